# pdns: a DNS provider, PowerDNS Authoritative Server.
FROM base AS pdns
RUN install-packages \
      "pdns-server=4.9.*" \
      "pdns-backend-bind=4.9.*" \
      "pdns-backend-geoip=4.9.*"
COPY --from=node /opt/lab/ /opt/lab/

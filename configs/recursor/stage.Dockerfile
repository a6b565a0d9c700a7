# recursor: resolvers, PowerDNS Recursor.
FROM base AS recursor
RUN install-packages "pdns-recursor=5.2.*"
COPY --from=node /opt/lab/ /opt/lab/

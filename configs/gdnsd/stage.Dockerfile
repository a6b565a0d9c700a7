# gdnsd: the other DNS provider.
FROM base AS gdnsd
RUN install-packages "gdnsd=3.8.*"
COPY --from=node /opt/lab/ /opt/lab/

# bind: resolvers, BIND 9.
FROM base AS bind
RUN install-packages "bind9=1:9.20.*"
COPY --from=node /opt/lab/ /opt/lab/

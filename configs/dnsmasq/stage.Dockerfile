# dnsmasq: resolvers that ask another one, as routers at home do.
FROM base AS dnsmasq
RUN install-packages "dnsmasq-base=2.91-*"
COPY --from=node /opt/lab/ /opt/lab/

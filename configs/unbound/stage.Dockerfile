# unbound: resolvers.
FROM base AS unbound
RUN install-packages "unbound=1.26.*"
COPY --from=node /opt/lab/ /opt/lab/

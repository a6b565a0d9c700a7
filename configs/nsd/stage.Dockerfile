# nsd: the root and the top-level domain.
FROM base AS nsd
RUN install-packages "nsd=4.12.*"
COPY --from=node /opt/lab/ /opt/lab/

# bird: routers.
FROM base AS bird
RUN install-packages "bird2=2.17.*"
COPY --from=node /opt/lab/ /opt/lab/

# clients: the stub clients of an access network.
FROM base AS clients
RUN install-packages "openssl=3.5.*" "python3-dnspython=2.7.*" "python3-uvloop=0.21.*"
COPY --from=node /opt/lab/ /opt/lab/

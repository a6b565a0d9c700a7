# backend: the service itself.
FROM base AS backend
RUN install-packages \
      "nftables=1.1.*" \
      "python3-httptools=0.1.*" \
      "python3-uvicorn=0.32.*" \
      "python3-uvloop=0.21.*"
COPY --from=node /opt/lab/ /opt/lab/

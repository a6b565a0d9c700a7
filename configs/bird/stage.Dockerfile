# bird: routers, and what loses packets on their links.
FROM base AS bird
RUN install-packages "bird2=2.17.*" "nftables=1.1.*"
COPY --from=node /opt/lab/ /opt/lab/

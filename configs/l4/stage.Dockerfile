# l4: L4 balancers, a router with a TCP proxy.
FROM bird AS l4
RUN install-packages "openssl=3.5.*"
COPY --from=envoy /usr/local/bin/envoy /usr/local/bin/envoy

# l4: L4 balancers, a router with a TCP proxy.
FROM bird AS l4
COPY --from=envoy /usr/local/bin/envoy /usr/local/bin/envoy

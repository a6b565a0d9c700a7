# base: what every node has.
FROM debian:trixie-slim AS base
COPY configs/base/install-packages /usr/local/sbin/
RUN install-packages \
      "bind9-dnsutils=1:9.20.*" \
      "iproute2=6.15.*" \
      "python3=3.13.*" \
      "tcpdump=4.99.*"
ENV PYTHONPATH=/opt PYTHONDONTWRITEBYTECODE=1
# The first process needs the standard library alone: -S does not look for more.
ENTRYPOINT ["python3", "-S", "-m", "lab.node"]

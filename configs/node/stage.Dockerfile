# node: the harness's own code for the inside of containers, compiled because the root
# file system is read-only at run time. Every other stage copies it last, so that a
# change of it rebuilds one layer each.
FROM base AS node
COPY lab/__init__.py /opt/lab/
COPY lab/node/ /opt/lab/node/
COPY lab/agent/ /opt/lab/agent/
COPY lab/backend/ /opt/lab/backend/
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/lab

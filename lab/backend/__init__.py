"""The backend behind the L7 proxies: an ASGI application for uvicorn.

Runs in the backend containers on the standard library alone (uvicorn calls it) and
imports nothing else of `lab`.

    python3 -m uvicorn --factory lab.backend.app:create --host 0.0.0.0 --port 80 \
        --workers 1 --loop uvloop --http httptools --lifespan off --no-access-log \
        --no-server-header --no-date-header --timeout-keep-alive 3600 --log-level info

The long keep-alive leaves it to the proxy to close idle connections; a backend that
does it first resets a request now and then.
"""

# Two images: docker build --target gateway . and docker build --target sandbox .
FROM debian:trixie-slim AS python
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home vitrine

FROM python AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/build.txt requirements/gateway.txt requirements/sandbox.txt requirements/
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md ./
COPY policies policies
COPY sandbox sandbox
COPY query_gateway query_gateway
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheels .
RUN python3 -m venv --without-pip /opt/vitrine

FROM build AS gateway-build
RUN /opt/build/bin/pip --python /opt/vitrine/bin/python install --require-hashes -r requirements/gateway.txt
RUN /opt/build/bin/pip --python /opt/vitrine/bin/python install --no-deps /opt/wheels/vitrine-*.whl

FROM build AS sandbox-build
RUN /opt/build/bin/pip --python /opt/vitrine/bin/python install --require-hashes -r requirements/sandbox.txt
RUN /opt/build/bin/pip --python /opt/vitrine/bin/python install --no-deps /opt/wheels/vitrine-*.whl

FROM python AS gateway
COPY --from=gateway-build /opt/vitrine /opt/vitrine
USER vitrine
ENTRYPOINT ["/opt/vitrine/bin/vitrine", "serve", "gateway"]

FROM python AS sandbox
COPY --from=sandbox-build /opt/vitrine /opt/vitrine
USER vitrine
ENTRYPOINT ["/opt/vitrine/bin/python", "-P", "-m", "sandbox", "serve"]

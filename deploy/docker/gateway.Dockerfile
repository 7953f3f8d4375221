# Envoy with the configuration that vertebra ships, and the console; from the repository's root:
#   docker build -f deploy/docker/gateway.Dockerfile -t vertebra-gateway:0.1.0 .
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS console
WORKDIR /build/clients
COPY clients/package.json clients/package-lock.json ./
COPY clients/typescript ./typescript
COPY clients/console ./console
RUN npm ci --no-audit --no-fund --loglevel=error \
    && node console/build.mjs /build/console_files

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
COPY deploy/build.lock deploy/gateway.lock deploy/docker/install.sh deploy/docker/install-vertebra.sh ./
RUN python3 -m venv tools \
    && tools/bin/python -m pip install --quiet --no-cache-dir --require-hashes -r build.lock
RUN ./install.sh gateway.lock /opt/vertebra
COPY pyproject.toml README.md ./source/
COPY catalog_service ./source/catalog_service
COPY trainer_service ./source/trainer_service
COPY clients/python/vertebra ./source/clients/python/vertebra
COPY --from=console /build/console_files ./source/clients/python/vertebra/console_files
RUN ./install-vertebra.sh source /opt/vertebra

FROM ${PYTHON_IMAGE}
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip*
COPY --from=build /opt/vertebra /opt/vertebra
ENV PATH=/opt/vertebra/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
EXPOSE 50550
# Writes the configuration from its arguments, then becomes Envoy.
ENTRYPOINT ["python", "-m", "vertebra.gateway", "--folder=/tmp/gateway"]
CMD ["--listen=0.0.0.0:50550", "--catalog=catalog:50551", "--trainer=trainer:50552", "--console"]

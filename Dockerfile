# The sidecar as an image: any base that has Node, no shell needed, nothing to write but one volume.
#
#     docker build -t kafka-cutover .
#     docker build -t kafka-cutover --build-arg BASE=a-distroless-node --build-arg BUILDER=node:24-slim .
#
# From a fresh clone, the first stage runs npm. In a checkout after `npm ci && npm run build` it takes
# what is there, and needs neither npm nor a network; then any image with a Node >= 22.18 will do:
#
#     docker build -t kafka-cutover --build-arg BASE=my-node .
#
# It keeps to what the classic builder of Docker 20.10 understands.

ARG BASE=node:24-slim
ARG BUILDER=${BASE}

FROM ${BUILDER} AS files
# The classic builder leaves this stage behind: docker image prune --filter label=stage=kafka-cutover-files
LABEL stage=kafka-cutover-files
WORKDIR /checkout
COPY . .
RUN ["node", "scripts/image-files.ts", "/files"]

FROM ${BASE}
LABEL org.opencontainers.image.title="kafka-cutover" \
      org.opencontainers.image.licenses="Apache-2.0"

# The code belongs to root: the sidecar cannot change itself. Only the state belongs to its user, a
# number, so that Kubernetes can see that it is not root (runAsNonRoot).
COPY --from=files /files/app /app
COPY --from=files --chown=65532:65532 /files/state /var/lib/kafka-cutover

# /nodejs/bin is where distroless images keep Node. The state is in XDG_DATA_HOME/kafka-cutover.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/nodejs/bin \
    NODE_ENV=production \
    XDG_DATA_HOME=/var/lib

USER 65532:65532
WORKDIR /var/lib/kafka-cutover
VOLUME /var/lib/kafka-cutover

# Node is process 1. That needs no init: the sidecar handles SIGTERM, SIGINT, SIGHUP and SIGUSR2 itself
# and starts no processes that could be left behind. Its own deadline for stopping is 25 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["run", "--config", "/etc/kafka-cutover/sidecar.yaml"]

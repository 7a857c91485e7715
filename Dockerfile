# A small image with the core, the compilers and QEMU; it starts from a .tflite.
#   docker build -t mcu .
#   docker run --rm -v "$PWD:/work" mcu demo
# With Keras models: docker build --build-arg EXTRAS=[all] -t mcu .
FROM debian:13-slim

ARG EXTRAS=""
ENV DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates python3 python3-venv \
        gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib \
        gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf gcc-avr avr-libc \
        qemu-system-arm qemu-system-misc \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 mcu \
    && mkdir /work && chown mcu:mcu /work

COPY . /src
RUN python3 -m venv /opt/mcu \
    && /opt/mcu/bin/pip install "/src${EXTRAS}" \
    && rm -rf /src

ENV PATH="/opt/mcu/bin:$PATH" MCU_OFFLINE=1
USER mcu
WORKDIR /work
ENTRYPOINT ["mcu"]
CMD ["--help"]

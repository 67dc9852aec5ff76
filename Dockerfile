# An image for CPUs: docker build -t colorize . && docker run --rm -v "$PWD":/photos colorize photo.jpg
FROM python:3.12-slim AS build
# A C compiler for the loops of recombination; the image itself gets the library only.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/colorize
ENV PATH=/opt/colorize/bin:$PATH
# The CPU build of torch, before the package asks for the far larger one with CUDA.
RUN pip install --no-cache-dir torch torchvision --index-url https://download.pytorch.org/whl/cpu
COPY . /source
# A server has no libGL: OpenCV without a display.
RUN pip install --no-cache-dir '/source[lossless,watch]' \
    && pip uninstall -y opencv-python && pip install --no-cache-dir opencv-python-headless

FROM python:3.12-slim
COPY --from=build /opt/colorize /opt/colorize
ENV PATH=/opt/colorize/bin:$PATH HF_HOME=/cache XDG_CONFIG_HOME=/config
RUN useradd --create-home colorize && mkdir -p /photos /cache /config && chmod 777 /cache
USER colorize
WORKDIR /photos
ENTRYPOINT ["colorize"]
CMD ["--help"]

/* The echo core, driven by whatever libFuzzer makes of a script: see echo_model.c. */
#include <stdio.h>
#include <stdlib.h>

#include "echo_model.h"
#include "fake_sockets.h"

void model_failed(const char *why)
{
    fprintf(stderr, "the echo core %s\n", why);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    model_run(data, bytes);
    return 0;
}

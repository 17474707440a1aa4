/* A test of the echo core against a model: see echo_model.c. */
#ifndef ECHO_MODEL_H
#define ECHO_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* Drives the core through the script; any bytes are one.  Ends in model_failed(), which the caller
 * defines, at the first thing that is wrong. */
void model_run(const uint8_t *script, size_t bytes);

#endif

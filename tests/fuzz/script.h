/* The script of a test: bytes that are read as decisions, one after the other. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any bytes are a script; they must stay where they are. */
void script_begin(const uint8_t *bytes, size_t count);
bool script_ended(void);

/* The next byte; 0 when it has ended. */
unsigned script_byte(void);

/* A number of bytes to send or to take: small, or near one of the core's bounds. */
size_t script_size(void);

/* How many bytes have been read. */
size_t script_place(void);

#endif

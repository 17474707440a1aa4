/*
 * What a message says.  Every byte follows from the connection's number, the request's number and
 * its place: an echo that is wrong, lost, repeated or somebody else's does not match, and neither
 * sent nor expected bytes need to be kept.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Made once, before any other call. */
void pattern_init(void);

/* Writes bytes [offset, offset + bytes) of a message. */
void pattern_fill(char *to, uint32_t connection, uint64_t request, size_t offset, size_t bytes);

/* How many of the bytes are right: less than bytes says where the first wrong one is. */
size_t pattern_check(const char *got, uint32_t connection, uint64_t request, size_t offset,
                     size_t bytes);

/* One byte of a message: what should have come. */
unsigned char pattern_byte(uint32_t connection, uint64_t request, size_t offset);

#endif

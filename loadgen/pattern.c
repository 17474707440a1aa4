/*
 * The first eight bytes are a stamp, a 64-bit mix of connection and request.  The rest is a stretch
 * of one random table, repeated, from a start that the stamp picks: filling and checking are memcpy
 * and memcmp, so that verification stays a small share of a request's cost.
 */
#include "pattern.h"

#include <string.h>

#include "random.h"

enum {
    STAMP_BYTES = 8,
    TABLE_BYTES = 4096, /* the period; fits the first-level cache */
};

static char table[2 * TABLE_BYTES]; /* twice over: any stretch of a period is contiguous */

void pattern_init(void)
{
    for (size_t i = 0; i < TABLE_BYTES; i += sizeof(uint64_t)) {
        uint64_t word = random_at(0x6d757862656e6368, i, 0);
        memcpy(table + i, &word, sizeof word);
        memcpy(table + TABLE_BYTES + i, &word, sizeof word);
    }
}

/* The longest piece from offset on that is contiguous in the stamp or in the table. */
static const char *piece(const uint64_t *stamp, size_t offset, size_t *bytes)
{
    if (offset < STAMP_BYTES) {
        if (*bytes > STAMP_BYTES - offset)
            *bytes = STAMP_BYTES - offset;
        return (const char *)stamp + offset;
    }
    if (*bytes > TABLE_BYTES)
        *bytes = TABLE_BYTES;
    return table + (*stamp + offset) % TABLE_BYTES;
}

void pattern_fill(char *to, uint32_t connection, uint64_t request, size_t offset, size_t bytes)
{
    uint64_t stamp = random_at(connection, request, 1);
    for (size_t n; bytes > 0; to += n, offset += n, bytes -= n) {
        n = bytes;
        const char *from = piece(&stamp, offset, &n);
        memcpy(to, from, n);
    }
}

size_t pattern_check(const char *got, uint32_t connection, uint64_t request, size_t offset,
                     size_t bytes)
{
    uint64_t stamp = random_at(connection, request, 1);
    size_t right = 0;
    for (size_t n; right < bytes; right += n) {
        n = bytes - right;
        const char *expected = piece(&stamp, offset + right, &n);
        if (memcmp(got + right, expected, n) == 0)
            continue;
        for (size_t i = 0;; i++)
            if (got[right + i] != expected[i])
                return right + i;
    }
    return right;
}

unsigned char pattern_byte(uint32_t connection, uint64_t request, size_t offset)
{
    char byte = 0;
    pattern_fill(&byte, connection, request, offset, 1);
    return (unsigned char)byte;
}

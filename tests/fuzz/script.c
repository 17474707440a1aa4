#include "script.h"

static const uint8_t *script;
static size_t script_count, place;

void script_begin(const uint8_t *bytes, size_t count)
{
    script = bytes;
    script_count = count;
    place = 0;
}

bool script_ended(void)
{
    return place >= script_count;
}

unsigned script_byte(void)
{
    return script_ended() ? 0 : script[place++];
}

size_t script_size(void)
{
    enum { KIB = 1024 };
    static const uint32_t sizes[] = {KIB - 1,      KIB,           KIB + 1,      4 * KIB,
                                     64 * KIB - 1, 64 * KIB,      64 * KIB + 1, 32 * KIB,
                                     96 * KIB,     128 * KIB,     192 * KIB,    256 * KIB - 1,
                                     256 * KIB,    256 * KIB + 1, 300,          20000};
    unsigned byte = script_byte();
    return byte < 128 ? byte + 1 : sizes[byte % (sizeof sizes / sizeof *sizes)];
}

size_t script_place(void)
{
    return place;
}

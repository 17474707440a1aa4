/*
 * The echo core against the model of tests/fuzz, with scripts by number: the same on every
 * machine.  `make fuzz` looks for better ones.  Needs servers/echo.o, servers/ledger.o,
 * and of tests/fuzz echo_model.o, fake_sockets.o and script.o.
 */
#include "unit.h"

#include <stdlib.h>

#include "../../loadgen/random.h"
#include "../fuzz/echo_model.h"
#include "../fuzz/fake_sockets.h"

enum { SCRIPTS = 4000, SCRIPT_BYTES = 2000 };

static uint64_t seed;

void model_failed(const char *why)
{
    fail_msg("script %llu: the echo core %s", (unsigned long long)seed, why);
    abort();
}

/* Half of the bytes are small, so that calls go well for a while; lengths vary. */
static void run_script(void)
{
    uint8_t script[SCRIPT_BYTES];
    size_t bytes = 50 + random_at(seed, 0, 1) % (SCRIPT_BYTES - 50);
    for (size_t i = 0; i < bytes; i++) {
        uint64_t bits = random_at(seed, i, 2);
        script[i] = (uint8_t)(bits & 0x100 ? bits : bits & 0x7f);
    }
    model_run(script, bytes);
}

static void test_random_scripts(void **state)
{
    (void)state;
    for (seed = 0; seed < SCRIPTS; seed++)
        run_script();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_scripts)};
    return cmocka_run_group_tests_name("echo model", tests, NULL, NULL);
}

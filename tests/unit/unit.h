/* What every unit test includes first: cmocka needs these in this order. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* ... and then */
#include <cmocka.h>

#endif

/*
 * A claim is one sentence that is said of select, poll or epoll, and one file: the sentence, the
 * experiment, what was seen.  The verdict follows from what was seen:
 *
 *   every observation that weighs anything supports the claim     CONFIRMED
 *   every one contradicts it                                      if_contradicted
 *   some support it, others contradict it                         if_mixed
 *   one of them is unclear, or none weighs anything               INCONCLUSIVE
 *
 * or NOT APPLICABLE where this machine cannot show it.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum verdict {
    CONFIRMED,
    REFUTED,
    PARTLY,     /* a true core, a wrong detail */
    DEPENDS,    /* the workload decides */
    HISTORICAL, /* true of an old kernel */
    INCONCLUSIVE,
    NOT_APPLICABLE
};

/* Each claim's file defines these three.  try_claim() ends with conclude(). */
extern const enum verdict if_contradicted, if_mixed;
void try_claim(void);

/* What an observation says of the claim.  CONTEXT weighs nothing. */
enum reading { CONTEXT, SUPPORTS, CONTRADICTS, UNCLEAR };

/* Else it says the contrary. */
enum reading supports_if(bool seen);
enum reading contradicts_if(bool seen);

/* Neither of the two: unclear.  What is no contrary of a claim must not count as one. */
enum reading weigh(bool supporting, bool contradicting);

/* What the rest is built on: it weighs nothing, but without it the rest shows nothing. */
enum reading needs(bool seen); /* CONTEXT, or else UNCLEAR */

/*
 * Notes what was seen.  NAME: a few words, each name once; VALUE as it was seen; SHOWS: what such a
 * value tells, a clause that holds for any value.  Texts are kept, not copied: see text().
 */
void observe_count(const char *name, long long value, enum reading reading, const char *shows);
void observe_yes_no(const char *name, bool value, enum reading reading, const char *shows);
void observe_error(const char *name, int error, enum reading reading,
                   const char *shows); /* an errno by its name; 0: none */
void observe_events(const char *name, uint32_t events, enum reading reading,
                    const char *shows); /* EPOLLIN and so on, as IN|HUP; 0: none */
void observe_text(const char *name, const char *value, enum reading reading, const char *shows);

/* UNIT: such as "ms", part of the name in the record; three significant digits are shown. */
void observe_amount(const char *name, double value, const char *unit, enum reading reading,
                    const char *shows);

/* A text that lasts. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *text_from(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* "EPOLLIN|EPOLLHUP" without the EPOLLs; "none".  An errno's name; "no error". */
const char *events_text(uint32_t events);
const char *error_text(int error);

/* The evidence: one sentence with the numbers that were seen, true whatever they are.  No full
 * stop. */
void conclude(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program: why this machine cannot show it, and what would; or what the documents say.  In
 * a child process that is a failure, with the reason as its message. */
void not_applicable(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void only_documents(const char *what_they_say) __attribute__((noreturn));

#endif

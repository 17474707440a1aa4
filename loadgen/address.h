/* Where a server is: numbers only, so that what is written is where the load goes. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct address {
    struct sockaddr_storage socket;
    socklen_t bytes;
};

/* Reads a numeric IPv4 or IPv6 address with its port (NULL: 0); false when it is not one.  IPv4 is
 * four decimal numbers: the old spellings, in which 010.0.0.1 is 8.0.0.1, are refused. */
bool address_parse(const char *text, const char *port, struct address *a);

/* The address without its port, in a buffer of the caller's, which is returned. */
enum { ADDRESS_TEXT_BYTES = 80 };
char *address_text(const struct address *a, char text[ADDRESS_TEXT_BYTES]);

/* In 127.0.0.0/8, also as ::ffff:127.x.y.z, or ::1. */
bool address_is_loopback(const struct address *a);

/* 0.0.0.0 or ::, all addresses of a machine; Linux connects them to loopback. */
bool address_is_any(const struct address *a);

/* Do both lead to the same machine?  Ports do not count; an IPv4 address may be written as an IPv6
 * one; the link of an address such as fe80::1%eth0 counts. */
bool address_equal(const struct address *a, const struct address *b);

#endif

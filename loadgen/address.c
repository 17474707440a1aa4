#include "address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool address_parse(const char *text, const char *port, struct address *a)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *info;
    struct in_addr v4;
    if (!strchr(text, ':') && inet_pton(AF_INET, text, &v4) != 1)
        return false;
    if (getaddrinfo(text, port, &hints, &info) != 0) /* it knows the %eth0 of IPv6 */
        return false;
    *a = (struct address){.bytes = info->ai_addrlen};
    memcpy(&a->socket, info->ai_addr, info->ai_addrlen);
    freeaddrinfo(info);
    return true;
}

char *address_text(const struct address *a, char text[ADDRESS_TEXT_BYTES])
{
    if (getnameinfo((const struct sockaddr *)&a->socket, a->bytes, text, ADDRESS_TEXT_BYTES, NULL,
                    0, NI_NUMERICHOST) != 0)
        snprintf(text, ADDRESS_TEXT_BYTES, "ADDRESS");
    return text;
}

/* All as IPv6, without a port: an IPv4 address as ::ffff:a.b.c.d. */
struct place {
    struct in6_addr host;
    uint32_t link;
};

static struct place place_of(const struct address *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->socket;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->socket;
    if (a->socket.ss_family == AF_INET6)
        return (struct place){v6->sin6_addr, v6->sin6_scope_id};
    struct place p = {.host.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&p.host.s6_addr[12], &v4->sin_addr, sizeof v4->sin_addr);
    return p;
}

static bool is_host(const struct place *p, const struct in6_addr *host)
{
    return !memcmp(&p->host, host, sizeof *host);
}

bool address_is_loopback(const struct address *a)
{
    struct place p = place_of(a);
    return is_host(&p, &in6addr_loopback) ||
           (IN6_IS_ADDR_V4MAPPED(&p.host) && p.host.s6_addr[12] == IN_LOOPBACKNET);
}

bool address_is_any(const struct address *a)
{
    static const struct in6_addr any4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    struct place p = place_of(a);
    return is_host(&p, &in6addr_any) || is_host(&p, &any4);
}

bool address_equal(const struct address *a, const struct address *b)
{
    struct place p = place_of(a), q = place_of(b);
    return is_host(&p, &q.host) && p.link == q.link;
}

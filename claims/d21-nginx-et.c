/*
 * D21 nginx-et
 *
 * Claim: nginx uses epoll in edge-triggered mode by default.
 *
 * Believed because: its connections are edge-triggered, and nginx is named as the proof that edges
 * are the fast way.
 *
 * Experiment: Start an nginx (one worker, no master) whose configuration says nothing of how it
 * waits, and send it a request.  Then read what its epoll instance watches: the bit EPOLLET
 * (0x80000000) of the connection supports the claim if it is set, and so does that of the listening
 * socket.
 *
 * Detail: The listening socket is watched by level (with several workers as EPOLLEXCLUSIVE), so
 * that one accept for each event is enough: multi_accept is off by default.
 *
 * Read on: nginx, src/event/ngx_event.c, ngx_event_process_init(); src/event/modules/
 * ngx_epoll_module.c, ngx_epoll_add_event(); proc(5), /proc/PID/fdinfo.
 */
#include <dirent.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claim.h"
#include "setup.h"

enum { LISTENING = 0x0a, CONNECTED = 0x01 }; /* the states of /proc/net/tcp */

const enum verdict if_contradicted = REFUTED, if_mixed = PARTLY;

/* A shell with nginx as its child, in a session of its own: however we end, the end of its input
 * makes it end nginx and remove the folder.  It tells nginx's pid, or nothing if there is none. */
static const char keeper[] =
    "PATH=$PATH:/usr/sbin:/usr/local/sbin\n"
    "command -v nginx >/dev/null && folder=$(mktemp -d /tmp/muxbench-nginx-XXXXXX) || exit\n"
    "cat >$folder/nginx.conf <<end\n"
    "daemon off; master_process off; worker_processes 1; pid pid; error_log log;\n"
    "events { worker_connections 64; }\n"
    "http { access_log off; client_body_temp_path 1; proxy_temp_path 2; fastcgi_temp_path 3;\n"
    "uwsgi_temp_path 4; scgi_temp_path 5; server { listen 127.0.0.1:$1; } }\n"
    "end\n"
    "exec 2>/dev/null\n"
    "setpriv --pdeathsig KILL nginx -p $folder/ -c $folder/nginx.conf >/dev/null &\n"
    "tries=0 # nginx writes its pid when it listens\n"
    "until [ -s $folder/pid ] || ! kill -0 $! || [ $((tries += 1)) -gt 500 ]; do sleep 0.01; done\n"
    "[ -s $folder/pid ] && echo $! && read -r end\n"
    "kill -9 $!; wait; rm -rf $folder\n";

static pid_t start_keeper(unsigned port, int *leash)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        err(1, "socketpair");
    pid_t child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        setsid();
        if (dup2(ends[1], 0) == 0 && dup2(ends[1], 1) == 1)
            execl("/bin/sh", "sh", "-c", keeper, "sh", text("%u", port), NULL);
        _exit(1);
    }
    close(ends[1]);
    *leash = ends[0];
    return child;
}

static void ask(const struct listener *server)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct pollfd client = {.fd = connect_to(server), .events = POLLOUT};
    bool sent = poll(&client, 1, EVENT_MS) == 1;
    sent = sent && write(client.fd, request, sizeof request - 1) > 0;
    client.events = POLLIN;
    if (!sent || poll(&client, 1, EVENT_MS) != 1)
        errx(1, "nginx has not answered within %d ms: try `nginx -t`", EVENT_MS);
}

static unsigned long socket_inode(unsigned port, unsigned state)
{
    FILE *sockets = fopen("/proc/net/tcp", "re");
    unsigned its_port, its_state;
    unsigned long inode, found = 0;
    char line[256];
    while (sockets && fgets(line, sizeof line, sockets))
        if (sscanf(line, " %*u: %*x:%x %*x:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", &its_port,
                   &its_state, &inode) == 3 &&
            its_port == port && its_state == state)
            found = inode;
    if (sockets)
        fclose(sockets);
    return found;
}

/* The events for which a file of /proc/PID/fdinfo, if it is an instance's, lists that socket. */
static uint32_t watched_in(const char *fdinfo, unsigned long inode)
{
    FILE *list = fopen(fdinfo, "re");
    uint32_t events, found = 0;
    unsigned long its_inode;
    char line[256];
    while (list && fgets(line, sizeof line, list))
        if (sscanf(line, "tfd: %*d events: %x data: %*x pos:%*d ino:%lx", &events, &its_inode) ==
                2 &&
            its_inode == inode)
            found = events;
    if (list)
        fclose(list);
    return found;
}

static uint32_t watched_by(pid_t worker, unsigned long inode)
{
    DIR *folder = opendir(text("/proc/%d/fdinfo", worker));
    uint32_t events = 0;
    if (!folder)
        not_applicable("/proc/%d/fdinfo cannot be read: mount /proc", worker);
    for (struct dirent *entry; (entry = readdir(folder));)
        events |= watched_in(text("/proc/%d/fdinfo/%s", worker, entry->d_name), inode);
    closedir(folder);
    return events;
}

static const char *observe_watch(const char *name, uint32_t events, const char *shows)
{
    const char *how = !events ? "not watched" : events & EPOLLET ? "by edge" : "by level";
    observe_text(name, text("%x (%s, %s)", events, events_text(events), how),
                 weigh(events & EPOLLET, events && !(events & EPOLLET)), shows);
    return text("%s (%x)", how, events);
}

void try_claim(void)
{
    struct listener place = listen_tcp(1); /* finds a free port */
    unsigned port = ntohs(place.address.sin_port);
    char told[32] = "";
    int leash;
    close(place.fd);
    pid_t child = start_keeper(port, &leash);
    if (read(leash, told, sizeof told - 1) <= 0)
        not_applicable("nginx is not installed (`apt-get install nginx-light`), or does not start "
                       "(`nginx -t`)");
    pid_t worker = (pid_t)strtol(told, NULL, 10);
    ask(&place);
    uint32_t listening = watched_by(worker, socket_inode(port, LISTENING));
    uint32_t connection = watched_by(worker, socket_inode(port, CONNECTED));
    close(leash);
    waitpid(child, NULL, 0);

    const char *one = observe_watch("the connection is watched for", connection,
                                    "80000000 is EPOLLET: the claim, as far as it goes");
    const char *other = observe_watch("the listening socket is watched for", listening,
                                      "without 80000000 it is level-triggered");
    conclude("nginx watches a connection %s, its listening socket %s", one, other);
}

/* SPDX-License-Identifier: MIT */
/*
 * Sockets and certificates for tests on the loopback interface.
 */
#ifndef RP_TEST_LIB_NET_H
#define RP_TEST_LIB_NET_H

#include <stdint.h>

/* Two connected TCP sockets; family is AF_INET or AF_INET6. 0 or -1. */
int rp_net_pair(int family, int fd[2]);
/* A listening socket on 127.0.0.1 with a port of the kernel's choice; -1: failed. */
int rp_net_listen(uint16_t *port);
/* A connected blocking socket to 127.0.0.1; -1: failed. */
int rp_net_connect(uint16_t port);

/* Files that rp_net_certs has made. */
struct rp_net_certs {
	char dir[64];
	char ca[96];       /* authority */
	char cert[96];     /* for localhost, 127.0.0.1 and ::1, signed by it (EC) */
	char key[96];      /* of cert */
	char rsa_cert[96]; /* the same with RSA */
	char rsa_key[96];
	char other_ca[96];   /* signed nothing */
	char other_name[96]; /* by the authority for another.example, with key */
};

/* Makes them in a new folder with the openssl command; 0 or -1. */
int rp_net_certs_make(struct rp_net_certs *c);
void rp_net_certs_remove(struct rp_net_certs *c);

#endif

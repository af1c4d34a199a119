/* SPDX-License-Identifier: MIT */
/*
 * Loopback sockets, and certificates by the openssl command (test/lib/net.h).
 */
#include "test/lib/net.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int loopback(int family, struct sockaddr_storage *sa, socklen_t *len)
{
	memset(sa, 0, sizeof(*sa));
	if (family == AF_INET) {
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		memcpy(sa, &v4, sizeof(v4));
		*len = sizeof(v4);
	} else {
		struct sockaddr_in6 v6 = {
		    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
		memcpy(sa, &v6, sizeof(v6));
		*len = sizeof(v6);
	}
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int rp_net_pair(int family, int fd[2])
{
	struct sockaddr_storage sa;
	socklen_t len;
	int listener = loopback(family, &sa, &len);
	fd[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fd[1] = -1;
	if (listener >= 0 && fd[0] >= 0 && bind(listener, (struct sockaddr *)&sa, len) == 0 &&
	    listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&sa, &len) == 0 &&
	    connect(fd[0], (struct sockaddr *)&sa, len) == 0) {
		fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	}
	close(listener);
	if (fd[1] < 0) {
		close(fd[0]);
		return -1;
	}
	return 0;
}

int rp_net_listen(uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = loopback(AF_INET, &sa, &len);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	return fd;
}

int rp_net_connect(uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = loopback(AF_INET, &sa, &len);
	((struct sockaddr_in *)&sa)->sin_port = htons(port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static const char script[] =
    "set -e; cd '%s'\n"
    "ec='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1'\n"
    "san='subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'\n"
    "ca() { openssl req -x509 $ec -nodes -days 2 -subj \"/CN=$2\" -keyout \"$1.key\" -out "
    "\"$1.pem\"; }\n"
    "leaf() { printf '%%s\\n' \"$3\" >ext; openssl req $2 -nodes -subj /CN=test -keyout \"$1.key\" "
    "-out csr; openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "
    "ext -out leaf; cat leaf ca.pem >\"$1.pem\"; }\n"
    "ca ca test-authority; ca otherca other-authority\n"
    "leaf cert \"$ec\" \"$san\"; leaf rsa '-newkey rsa:2048' \"$san\"\n"
    "leaf othername \"$ec\" subjectAltName=DNS:another.example\n"
    "cat othername.key >>othername.pem\n";

int rp_net_certs_make(struct rp_net_certs *c)
{
	char command[2048];
	(void)snprintf(c->dir, sizeof(c->dir), "/tmp/rport-certs-XXXXXX");
	if (mkdtemp(c->dir) == NULL) {
		return -1;
	}
	(void)snprintf(c->ca, sizeof(c->ca), "%s/ca.pem", c->dir);
	(void)snprintf(c->cert, sizeof(c->cert), "%s/cert.pem", c->dir);
	(void)snprintf(c->key, sizeof(c->key), "%s/cert.key", c->dir);
	(void)snprintf(c->rsa_cert, sizeof(c->rsa_cert), "%s/rsa.pem", c->dir);
	(void)snprintf(c->rsa_key, sizeof(c->rsa_key), "%s/rsa.key", c->dir);
	(void)snprintf(c->other_ca, sizeof(c->other_ca), "%s/otherca.pem", c->dir);
	(void)snprintf(c->other_name, sizeof(c->other_name), "%s/othername.pem", c->dir);
	int n = snprintf(command, sizeof(command), "exec >/dev/null 2>&1; ");
	(void)snprintf(command + n, sizeof(command) - (size_t)n, script, c->dir);
	return system(command) == 0 ? 0 : -1;
}

void rp_net_certs_remove(struct rp_net_certs *c)
{
	char command[128];
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", c->dir);
	if (strncmp(c->dir, "/tmp/rport-certs-", 17) == 0 && system(command) != 0) {
		(void)fprintf(stderr, "%s was not removed\n", c->dir);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * The client role as an applet of the binary.
 */
#ifndef RP_CLIENT_MAIN_H
#define RP_CLIENT_MAIN_H

/* Runs the client until SIGINT or SIGTERM, or until max_retry_count is used up. argv holds the
 * arguments without program and role. Returns the exit status. */
int rp_client_main(int argc, char **argv);

#endif

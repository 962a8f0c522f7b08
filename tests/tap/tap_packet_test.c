// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a packet: its bytes, lengths, direction and time
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "tap.h"

#define CAPACITY	1048576
#define PACKETS		20

/* What a capture held, of packets that are frames of ours and of others */
struct seen {
	unsigned int in;
	unsigned int out;
	unsigned int others;
	uint32_t captured;	/* of the last one */
	uint32_t original;
	uint8_t data[NET_FRAME_MAX];
	uint64_t first_ns;
};

static void see(struct capture *c, const struct packet *p)
{
	struct seen *seen = c->private;
	uint32_t number;

	if (!seen->first_ns)
		seen->first_ns = p->time_ns;
	if (net_is_frame(p->data, p->captured, &number))
		p->direction == PCAPNG_IN ? seen->in++ : seen->out++;
	else
		seen->others++;
	seen->captured = p->captured;
	seen->original = p->original;
	memcpy(seen->data, p->data,
	       p->captured < NET_FRAME_MAX ? p->captured : NET_FRAME_MAX);
}

FIXTURE(packet)
{
	struct tap tap;
	struct seen seen;
	int from;		/* sends frames to t0 */
};

FIXTURE_SETUP(packet)
{
	ASSERT_EQ(0, net_new());
	ASSERT_EQ(0, net_pair());
	self->from = net_socket("veth0");
	ASSERT_LE(0, self->from);
	self->tap.capture.packet = see;
	self->tap.capture.private = &self->seen;
}

FIXTURE_TEARDOWN(packet)
{
	close(self->from);
	EXPECT_TRUE(tap_idle());
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

TEST_F(packet, both_directions)
{
	int out = net_socket("t0");
	uint64_t before;
	int i;

	ASSERT_LE(0, out);
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	before = now_ns();
	/* Of all lengths modulo 4, as they are padded */
	for (i = 0; i < PACKETS; i++)
		ASSERT_EQ(0, net_send(self->from, i, 60 + i));
	for (i = 0; i < PACKETS / 2; i++)
		ASSERT_EQ(0, net_send(out, i, NET_FRAME_MAX - i));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS + PACKETS / 2));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_LE(before, self->seen.first_ns);
	EXPECT_GE(now_ns(), self->tap.capture.time_ns);
	EXPECT_EQ(1, self->tap.capture.linktype);
	EXPECT_EQ(SHMRING_TAP_SNAPLEN, self->tap.capture.snaplen);
	EXPECT_EQ(PACKETS, self->seen.in);
	EXPECT_EQ(PACKETS / 2, self->seen.out);
	EXPECT_EQ(0, self->seen.others);
	EXPECT_EQ(PACKETS + PACKETS / 2, self->tap.capture.accepted);
	EXPECT_EQ(0, self->tap.capture.os_drops);
	EXPECT_EQ(0, self->tap.capture.drops);
	close(out);
}

TEST_F(packet, once_on_the_loopback_device)
{
	int fd = net_udp(7777);
	int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, tap_start(&self->tap, "lo", CAPACITY, 0, NULL));
	for (i = 0; i < PACKETS; i++)
		ASSERT_EQ(0, net_udp_send(fd, 7777, 100, 0));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(PACKETS, self->tap.capture.packets);
	EXPECT_EQ(14 + 20 + 8 + 100, self->seen.original);
	EXPECT_EQ(14 + 20 + 8 + 100, self->seen.captured);
	close(fd);
}

TEST_F(packet, snaplen)
{
	static const uint32_t lengths[] = { 1, 13, 19, 20, 60, SHMRING_TAP_SNAPLEN };
	uint8_t frame[60];
	unsigned int i;

	net_frame(frame, 5, sizeof(frame));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, lengths[i], NULL));
		ASSERT_EQ(0, net_send(self->from, 5, sizeof(frame)));
		EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
		ASSERT_EQ(0, tap_stop(&self->tap));
		EXPECT_EQ(lengths[i], self->tap.capture.snaplen);
		EXPECT_EQ(1, self->tap.capture.packets);
		EXPECT_EQ(sizeof(frame), self->seen.original);
		EXPECT_EQ(lengths[i] < sizeof(frame) ? lengths[i] : sizeof(frame),
			  self->seen.captured);
		EXPECT_EQ(0, memcmp(frame, self->seen.data, self->seen.captured));
	}
}

/* As `tcpdump -dd -y EN10MB udp port 7777` prints it */
static struct sock_filter udp_port_7777[] = {
	{ 0x28, 0, 0, 0x0000000c },
	{ 0x15, 0, 6, 0x000086dd },
	{ 0x30, 0, 0, 0x00000014 },
	{ 0x15, 0, 15, 0x00000011 },
	{ 0x28, 0, 0, 0x00000036 },
	{ 0x15, 12, 0, 0x00001e61 },
	{ 0x28, 0, 0, 0x00000038 },
	{ 0x15, 10, 11, 0x00001e61 },
	{ 0x15, 0, 10, 0x00000800 },
	{ 0x30, 0, 0, 0x00000017 },
	{ 0x15, 0, 8, 0x00000011 },
	{ 0x28, 0, 0, 0x00000014 },
	{ 0x45, 6, 0, 0x00001fff },
	{ 0xb1, 0, 0, 0x0000000e },
	{ 0x48, 0, 0, 0x0000000e },
	{ 0x15, 2, 0, 0x00001e61 },
	{ 0x48, 0, 0, 0x00000010 },
	{ 0x15, 0, 1, 0x00001e61 },
	{ 0x6, 0, 0, 0x00040000 },
	{ 0x6, 0, 0, 0x00000000 },
};

TEST_F(packet, filter)
{
	struct sock_fprog filter = { ARRAY_SIZE(udp_port_7777), udp_port_7777 };
	int fd = net_udp(7777), other = net_udp(7778);
	int i;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, tap_start(&self->tap, "lo", CAPACITY, 0, &filter));
	for (i = 0; i < PACKETS; i++) {
		ASSERT_EQ(0, net_udp_send(fd, 7777, 100, 0));
		ASSERT_EQ(0, net_udp_send(other, 7778, 100, 0));
	}
	EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(PACKETS, self->tap.capture.packets);
	EXPECT_EQ(PACKETS, self->tap.capture.accepted);
	close(fd);
	close(other);
}

/* What we send to a group that we are in comes back to us, but not by the wire. */
TEST_F(packet, own_multicast_once)
{
	struct sock_fprog filter = { ARRAY_SIZE(udp_port_7777), udp_port_7777 };
	struct sockaddr_in group = {
		.sin_family = AF_INET,
		.sin_port = htons(7777),
		.sin_addr.s_addr = htonl(0xef090909),	/* 239.9.9.9 */
	};
	struct ip_mreqn here = { .imr_multiaddr = group.sin_addr };
	const struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i;
	char byte = 0;

	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&group, sizeof(group)));
	ASSERT_EQ(0, net_run("ip addr add 10.8.0.1/24 dev t0"));
	here.imr_ifindex = if_nametoindex("t0");
	ASSERT_EQ(0, setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &here, sizeof(here)));
	ASSERT_EQ(0, setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &here, sizeof(here)));
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, &filter));
	for (i = 0; i < PACKETS; i++) {
		ASSERT_EQ(1, sendto(fd, &byte, 1, 0, (struct sockaddr *)&group, sizeof(group)));
		ASSERT_EQ(1, recv(fd, &byte, 1, 0));
	}
	EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(PACKETS, self->tap.capture.packets);
	close(fd);
}

/* What goes out has its headers when the hook sees it, what comes in has not. */
TEST_F(packet, filter_sees_the_ethernet_header)
{
	struct sock_filter ours[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET_ETHERTYPE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 33),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { ARRAY_SIZE(ours), ours };
	int out = net_socket("t0");

	ASSERT_LE(0, out);
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, &filter));
	ASSERT_EQ(0, net_send(self->from, 1, 60));
	ASSERT_EQ(0, net_send(out, 2, 60));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 2));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(1, self->seen.in);
	EXPECT_EQ(1, self->seen.out);
	EXPECT_EQ(33, self->seen.captured);
	EXPECT_EQ(60, self->seen.original);
	close(out);
}

/* --- VLAN: the kernel keeps the tag beside the packet, the wire did not */

static const uint8_t tag_5[4] = { 0x81, 0x00, 0x00, 0x05 };

static void tagged_frame(uint8_t *frame, uint32_t length)
{
	net_frame(frame, 9, length - 4);
	memmove(frame + 16, frame + 12, length - 4 - 12);
	memcpy(frame + 12, tag_5, 4);
}

TEST_F(packet, vlan_tag_of_what_comes_in)
{
	static const uint32_t lengths[] = { 0, 5, 12, 13, 15, 16, 17 };
	uint8_t frame[64];
	unsigned int i;

	tagged_frame(frame, sizeof(frame));
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, lengths[i], NULL));
		ASSERT_EQ(sizeof(frame), send(self->from, frame, sizeof(frame), 0));
		EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
		ASSERT_EQ(0, tap_stop(&self->tap));
		EXPECT_EQ(sizeof(frame), self->seen.original);
		EXPECT_EQ(lengths[i] ?: sizeof(frame), self->seen.captured);
		EXPECT_EQ(0, memcmp(frame, self->seen.data, self->seen.captured));
	}
}

TEST_F(packet, vlan_tag_of_what_goes_out)
{
	uint8_t frame[64];
	int out;

	ASSERT_EQ(0, net_run("ip link add link t0 name t0.5 type vlan id 5"));
	ASSERT_EQ(0, net_run("echo 1 > /proc/sys/net/ipv6/conf/t0.5/disable_ipv6"));
	ASSERT_EQ(0, net_run("ip link set t0.5 up"));
	out = net_socket("t0.5");
	ASSERT_LE(0, out);
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	ASSERT_EQ(0, net_send(out, 9, 60));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
	ASSERT_EQ(0, tap_stop(&self->tap));
	tagged_frame(frame, sizeof(frame));
	EXPECT_EQ(sizeof(frame), self->seen.original);
	EXPECT_EQ(sizeof(frame), self->seen.captured);
	EXPECT_EQ(0, memcmp(frame, self->seen.data, sizeof(frame)));
	close(out);
}

/* --- Large packets, which lie in several pages or are yet to be cut up */

TEST_F(packet, large)
{
	int fd = net_udp(7777);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, tap_start(&self->tap, "lo", CAPACITY, 0, NULL));
	ASSERT_EQ(0, net_udp_send(fd, 7777, 65000, 0));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(1, self->tap.capture.packets);
	EXPECT_EQ(14 + 20 + 8 + 65000, self->seen.captured);
	close(fd);
}

TEST_F(packet, large_and_to_be_cut_up)
{
	int fd = net_udp(7777);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, tap_start(&self->tap, "lo", CAPACITY, 0, NULL));
	ASSERT_EQ(0, net_udp_send(fd, 7777, 40000, 1000));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(1, self->tap.capture.packets);
	EXPECT_EQ(14 + 20 + 8 + 40000, self->seen.captured);
	close(fd);
}

TEST_F(packet, larger_than_the_ring)
{
	int fd = net_udp(7777);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, tap_start(&self->tap, "lo", sysconf(_SC_PAGESIZE), 0,
			       NULL));
	ASSERT_EQ(0, net_udp_send(fd, 7777, 65507, 0));
	ASSERT_EQ(0, net_udp_send(fd, 7777, 100, 0));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 2));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(1, self->tap.capture.packets);
	EXPECT_EQ(1, self->tap.capture.drops);
	EXPECT_EQ(1, self->tap.capture.os_drops);
	close(fd);
}

/* --- Interfaces */

TEST_F(packet, two_taps_on_one_interface)
{
	struct seen seen = { 0 };
	struct tap second = {
		.capture = { .packet = see, .private = &seen },
	};
	int i;

	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	ASSERT_EQ(0, tap_start(&second, "t0", CAPACITY, 20, NULL));
	for (i = 0; i < PACKETS; i++)
		ASSERT_EQ(0, net_send(self->from, i, 60));
	EXPECT_TRUE(tap_has_seen(second.fd, PACKETS));
	ASSERT_EQ(0, tap_stop(&second));
	ASSERT_EQ(0, net_send(self->from, i, 60));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS + 1));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(PACKETS, seen.in);
	EXPECT_EQ(20, seen.captured);
	EXPECT_EQ(PACKETS + 1, self->seen.in);
	EXPECT_EQ(60, self->seen.captured);
}

TEST_F(packet, one_ring_after_another_tap)
{
	struct shmring_tap_start start;

	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	ASSERT_EQ(0, net_send(self->from, 1, 60));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
	close(self->tap.fd);
	self->tap.fd = tap_open();
	start = tap_request(self->tap.ring, "veth0");
	EXPECT_EQ(0, tap_ioctl(self->tap.fd, SHMRING_TAP_IOC_START, &start));
	ASSERT_EQ(0, net_send(self->from, 2, 60));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(2, self->tap.capture.sections);
	EXPECT_EQ(1, self->seen.in);
	EXPECT_EQ(1, self->seen.out);
}

TEST_F(packet, an_interface_that_is_down_and_comes_up)
{
	ASSERT_EQ(0, net_run("ip link set t0 down"));
	ASSERT_EQ(0, net_await("veth0", false));
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	ASSERT_EQ(0, net_run("ip link set t0 up"));
	ASSERT_EQ(0, net_await("veth0", true));
	ASSERT_EQ(0, net_send(self->from, 1, 60));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(1, self->seen.in);
}

/* Without an Ethernet header, in both directions; then of another type */
TEST_F(packet, a_tunnel)
{
	static const uint8_t ip[28] = {
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0,
		10, 8, 0, 2, 10, 8, 0, 1, 0x1e, 0x61, 0x1e, 0x61, 0, 8,
	};
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int tun = open("/dev/net/tun", O_RDWR);

	ASSERT_LE(0, tun);
	strcpy(ifr.ifr_name, "tun0");
	ASSERT_EQ(0, ioctl(tun, TUNSETIFF, &ifr));
	ASSERT_EQ(0, net_run("echo 1 > /proc/sys/net/ipv6/conf/tun0/disable_ipv6"));
	ASSERT_EQ(0, net_run("ip link set tun0 up"));
	ASSERT_EQ(0, tap_start(&self->tap, "tun0", CAPACITY, 0, NULL));
	ASSERT_EQ(sizeof(ip), write(tun, ip, sizeof(ip)));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 1));
	ASSERT_EQ(0, net_run("ip addr add 10.8.0.1/24 dev tun0"));
	ASSERT_EQ(0, net_run("! ping -q -c 1 -W 1 -s 56 10.8.0.2 >/dev/null"));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, 2));

	ASSERT_EQ(0, net_run("ip link set tun0 down"));
	ASSERT_EQ(0, ioctl(tun, TUNSETLINK, ARPHRD_ETHER));
	EXPECT_EQ(-EPIPE, tap_read_to_end(&self->tap));
	EXPECT_TRUE(self->tap.capture.ended);
	EXPECT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(101, self->tap.capture.linktype);
	EXPECT_EQ(2, self->tap.capture.packets);
	EXPECT_EQ(20 + 8 + 56, self->seen.original);
	EXPECT_EQ(0x45, self->seen.data[0]);
	close(tun);
}

TEST_HARNESS_MAIN

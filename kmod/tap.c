// SPDX-License-Identifier: GPL-2.0-only
/*
 * shmring_tap - a packet tap whose consumer reads a ring
 *
 * Packets arrive on several CPUs at once, and a capture is one stream in one
 * order, so the CPUs take turns at one ring, under a lock that is held for the
 * length of one copy.
 */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include <linux/shmring_tap.h>

#include "pcapng.h"
#include "shmring.h"

/* From tcpdump.org's list of link types */
#define LINKTYPE_ETHERNET	1
#define LINKTYPE_RAW		101

/* A request longer than this is from no version of ours. */
#define TAP_REQUEST_MAX		PAGE_SIZE

/**
 * struct tap - an open file of the device
 * @start: a file has one tap in its life
 * @end: the producer; valid from the start until the file or the device goes
 * @filter: which packets, NULL: all
 * @hook: where the network hands packets over; its device while it is hooked in
 * @hooked: under taps_lock
 * @started: a tap was started, and may have ended; under @start
 * @list: in taps; under taps_lock
 * @lock: one packet at a time: the end, and all that follows
 * @linktype: LINKTYPE_*
 * @snaplen: bytes of a packet at most
 * @packets: that the filter let through
 * @drops: for which there was no room
 * @drops_told: those that are accounted for in the stream
 */
struct tap {
	struct mutex start;		/* @end is claimed once */
	struct shmring_kernel_end end;
	struct bpf_prog *filter;
	struct packet_type hook;
	bool hooked;
	bool started;
	struct list_head list;
	spinlock_t lock;		/* one packet at a time */
	u16 linktype;
	u32 snaplen;
	u64 packets;
	u64 drops;
	u64 drops_told;
};

/* All that are hooked in, for when a device goes.  Taken inside the RTNL. */
static LIST_HEAD(taps);
static DEFINE_MUTEX(taps_lock);

/* --- The stream */

static int tap_linktype(const struct net_device *dev)
{
	switch (dev->type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return LINKTYPE_ETHERNET;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
		return LINKTYPE_RAW;
	default:
		return -EOPNOTSUPP;
	}
}

static int tap_write_header(struct tap *tap)
{
	struct {
		struct pcapng_shb shb;
		struct pcapng_idb idb;
	} __packed header = {
		.shb = {
			.type = PCAPNG_SHB,
			.length = sizeof(header.shb),
			.byte_order = PCAPNG_BYTE_ORDER,
			.major = 1,
			.section_length = ~0ULL,
			.length_again = sizeof(header.shb),
		},
		.idb = {
			.type = PCAPNG_IDB,
			.length = sizeof(header.idb),
			.linktype = tap->linktype,
			.snaplen = tap->snaplen,
			.tsresol_code = PCAPNG_IF_TSRESOL,
			.tsresol_length = 1,
			.tsresol = 9,
			.end = PCAPNG_OPT_END,
			.length_again = sizeof(header.idb),
		},
	};
	struct kvec p[2];

	if (shmring_write_acquire(&tap->end, p) < sizeof(header))
		return -ENOSPC;
	shmring_try_write_from(&tap->end, &header, sizeof(header));
	return 0;
}

/* The last word, if there is room for it. */
static void tap_write_statistics(struct tap *tap)
{
	u64 now = ktime_get_real_ns();
	struct pcapng_isb isb = {
		.type = PCAPNG_ISB,
		.length = sizeof(isb),
		.time_high = upper_32_bits(now),
		.time_low = lower_32_bits(now),
		.recv_code = PCAPNG_ISB_IFRECV,
		.recv_length = sizeof(isb.recv),
		.recv = tap->packets,
		.drop_code = PCAPNG_ISB_IFDROP,
		.drop_length = sizeof(isb.drop),
		.drop = tap->drops,
		.end = PCAPNG_OPT_END,
		.length_again = sizeof(isb),
	};
	struct kvec p[2];

	if (shmring_write_acquire(&tap->end, p) >= sizeof(isb))
		shmring_try_write_from(&tap->end, &isb, sizeof(isb));
}

/* A tag that the hardware took off goes back to where it was on the wire. */
static int tap_copy(const struct sk_buff *skb, u8 *to, u32 len)
{
	struct {
		__be16 proto;
		__be16 tci;
	} tag;
	const u32 addresses = 2 * ETH_ALEN;
	u32 head, n;

	if (!skb_vlan_tag_present(skb))
		return skb_copy_bits(skb, 0, to, len);

	head = min(len, addresses);
	if (skb_copy_bits(skb, 0, to, head))
		return -EFAULT;
	tag.proto = skb->vlan_proto;
	tag.tci = htons(skb_vlan_tag_get(skb));
	n = min_t(u32, len - head, sizeof(tag));
	memcpy(to + head, &tag, n);
	len -= head + n;
	return skb_copy_bits(skb, head, to + head + n, len);
}

/* Called with tap->lock held, and @skb->data at what the link type begins with. */
static void tap_write_packet(struct tap *tap, const struct sk_buff *skb,
			     u32 keep)
{
	u32 original = skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
	u32 captured = min(original, keep);
	u32 length = pcapng_epb_length(captured);
	u64 now = ktime_get_real_ns();
	struct pcapng_epb_end *end;
	struct pcapng_epb *epb;
	struct kvec p[2];
	u8 *data;

	tap->packets++;
	/* Mirrored: a block is one piece wherever it begins */
	if (shmring_write_acquire(&tap->end, p) < length)
		goto drop;
	epb = p[0].iov_base;
	data = (u8 *)(epb + 1);
	if (tap_copy(skb, data, captured))
		goto drop;
	memset(data + captured, 0, ALIGN(captured, 4) - captured);

	epb->type = PCAPNG_EPB;
	epb->length = length;
	epb->interface = 0;
	epb->time_high = upper_32_bits(now);
	epb->time_low = lower_32_bits(now);
	epb->captured = captured;
	epb->original = original;

	end = (struct pcapng_epb_end *)(data + ALIGN(captured, 4));
	end->flags_code = PCAPNG_EPB_FLAGS;
	end->flags_length = sizeof(end->flags);
	end->flags = skb->pkt_type == PACKET_OUTGOING ? PCAPNG_OUTBOUND :
							PCAPNG_INBOUND;
	end->drops_code = PCAPNG_EPB_DROPCOUNT;
	end->drops_length = sizeof(end->drops);
	end->drops = tap->drops - tap->drops_told;
	end->end = PCAPNG_OPT_END;
	end->length_again = length;

	tap->drops_told = tap->drops;
	shmring_write_commit(&tap->end, length);
	return;

drop:
	tap->drops++;
	shmring_count_drop(&tap->end, length);
}

/* --- The hook */

/*
 * As packet sockets do it: what goes out comes here with its headers, what comes
 * in without.  Others look at the same skb after us, so it is put back as it was.
 */
static int tap_receive(struct sk_buff *skb, struct net_device *dev,
		       struct packet_type *hook, struct net_device *orig_dev)
{
	struct tap *tap = container_of(hook, struct tap, hook);
	u8 *data = skb->data;
	unsigned int len = skb->len;
	u32 keep = tap->snaplen;

	if (skb->pkt_type == PACKET_LOOPBACK)
		goto out;
	/* On the loopback device it comes in again */
	if (skb->pkt_type == PACKET_OUTGOING && dev->flags & IFF_LOOPBACK)
		goto out;

	if (tap->linktype == LINKTYPE_ETHERNET)
		skb_push(skb, skb->data - skb_mac_header(skb));
	else
		skb_pull(skb, skb_network_offset(skb));

	if (tap->filter)
		keep = min(keep, bpf_prog_run_clear_cb(tap->filter, skb));
	if (keep) {
		spin_lock(&tap->lock);
		tap_write_packet(tap, skb, keep);
		spin_unlock(&tap->lock);
	}

	skb->data = data;
	skb->len = len;
out:
	consume_skb(skb);
	return 0;
}

/* Called with taps_lock held.  No packet is on its way when it returns. */
static void tap_unhook(struct tap *tap)
{
	if (!tap->hooked)
		return;
	tap->hooked = false;
	list_del(&tap->list);
	dev_remove_pack(&tap->hook);
	dev_put(tap->hook.dev);
	tap->hook.dev = NULL;
	tap_write_statistics(tap);
	shmring_drop_end(&tap->end);
}

static int tap_device_event(struct notifier_block *block, unsigned long event,
			    void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct tap *tap, *next;

	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	mutex_lock(&taps_lock);
	list_for_each_entry_safe(tap, next, &taps, list) {
		if (tap->hook.dev == dev)
			tap_unhook(tap);
	}
	mutex_unlock(&taps_lock);
	return NOTIFY_DONE;
}

static struct notifier_block tap_notifier = {
	.notifier_call = tap_device_event,
};

/* --- The file */

static int tap_open(struct inode *inode, struct file *file)
{
	struct tap *tap = kzalloc(sizeof(*tap), GFP_KERNEL_ACCOUNT);

	if (!tap)
		return -ENOMEM;
	mutex_init(&tap->start);
	spin_lock_init(&tap->lock);
	file->private_data = tap;
	return nonseekable_open(inode, file);
}

static int tap_release(struct inode *inode, struct file *file)
{
	struct tap *tap = file->private_data;

	mutex_lock(&taps_lock);
	tap_unhook(tap);
	mutex_unlock(&taps_lock);
	if (tap->filter)
		bpf_prog_destroy(tap->filter);
	kfree(tap);
	return 0;
}

static int tap_set_filter(struct tap *tap, const struct shmring_tap_start *r)
{
	struct sock_fprog program = {
		.len = r->filter_len,
		.filter = u64_to_user_ptr(r->filter),
	};

	if (!r->filter_len)
		return r->filter ? -EINVAL : 0;
	if (r->filter_len > BPF_MAXINSNS)
		return -EINVAL;
	return bpf_prog_create_from_user(&tap->filter, &program, NULL, false);
}

/* Called with the RTNL held, so that the device does not go meanwhile. */
static int tap_hook(struct tap *tap, u32 ifindex, struct shmring *ring)
{
	struct net *net = current->nsproxy->net_ns;
	struct net_device *dev = __dev_get_by_index(net, ifindex);
	int err;

	if (!dev)
		return -ENODEV;
	err = tap_linktype(dev);
	if (err < 0)
		return err;
	tap->linktype = err;

	err = shmring_claim_end(&tap->end, ring, SHMRING_ROLE_PRODUCER, NULL);
	if (err)
		return err;
	err = tap_write_header(tap);
	if (err) {
		shmring_drop_end(&tap->end);
		return err;
	}

	mutex_lock(&taps_lock);
	dev_hold(dev);
	tap->hook.type = htons(ETH_P_ALL);
	tap->hook.dev = dev;
	tap->hook.func = tap_receive;
	tap->hooked = true;
	tap->started = true;
	list_add(&tap->list, &taps);
	dev_add_pack(&tap->hook);
	mutex_unlock(&taps_lock);
	return 0;
}

static long tap_start(struct tap *tap, const struct shmring_tap_start *r)
{
	struct shmring *ring;
	int err;

	if (!ns_capable(current->nsproxy->net_ns->user_ns, CAP_NET_RAW))
		return -EPERM;
	if (r->flags)
		return -EINVAL;
	if (tap->started)
		return -EBUSY;

	ring = shmring_from_fd(r->ring_fd);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = -EINVAL;
	if (shmring_capacity(ring) < PAGE_SIZE)
		goto put;
	err = tap_set_filter(tap, r);
	if (err)
		goto put;
	tap->snaplen = r->snaplen ?: SHMRING_TAP_SNAPLEN;

	rtnl_lock();
	err = tap_hook(tap, r->ifindex, ring);
	rtnl_unlock();
	if (err && tap->filter) {
		bpf_prog_destroy(tap->filter);
		tap->filter = NULL;
	}
put:
	shmring_put(ring);
	return err;
}

static long tap_statistics(struct tap *tap, struct shmring_tap_stats *r)
{
	if (r->flags)
		return -EINVAL;
	if (!tap->started)
		return -ENOTCONN;
	spin_lock_bh(&tap->lock);
	r->packets = tap->packets;
	r->drops = tap->drops;
	r->written = tap->packets - tap->drops;
	spin_unlock_bh(&tap->lock);
	return 0;
}

static long tap_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tap *tap = file->private_data;
	void __user *user = (void __user *)arg;
	union {
		struct shmring_tap_start start;
		struct shmring_tap_stats stats;
	} req;
	size_t known;
	u32 size;
	long err;

	switch (cmd) {
	case SHMRING_TAP_IOC_START:
		known = sizeof(req.start);
		break;
	case SHMRING_TAP_IOC_STATS:
		known = sizeof(req.stats);
		break;
	default:
		return -ENOTTY;
	}
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < known)
		return -EINVAL;
	if (size > TAP_REQUEST_MAX)
		return -E2BIG;
	err = copy_struct_from_user(&req, known, user, size);
	if (err)
		return err;

	mutex_lock(&tap->start);
	if (cmd == SHMRING_TAP_IOC_START)
		err = tap_start(tap, &req.start);
	else
		err = tap_statistics(tap, &req.stats);
	mutex_unlock(&tap->start);
	if (!err && cmd == SHMRING_TAP_IOC_STATS &&
	    copy_to_user(user, &req.stats, known))
		err = -EFAULT;
	return err;
}

static const struct file_operations tap_fops = {
	.owner		= THIS_MODULE,
	.open		= tap_open,
	.release	= tap_release,
	.unlocked_ioctl	= tap_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice tap_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "shmring_tap",
	.fops	= &tap_fops,
};

static int __init tap_init(void)
{
	int err;

	err = register_netdevice_notifier(&tap_notifier);
	if (err)
		return err;
	err = misc_register(&tap_misc);
	if (err)
		unregister_netdevice_notifier(&tap_notifier);
	return err;
}

static void __exit tap_exit(void)
{
	misc_deregister(&tap_misc);
	unregister_netdevice_notifier(&tap_notifier);
}

module_init(tap_init);
module_exit(tap_exit);

MODULE_DESCRIPTION("Packet tap that writes pcapng into a shmring");
MODULE_LICENSE("GPL");

# nftables: L4 balancers that send packets on, a router without a proxy.
FROM bird AS nftables

@ IN SOA provider-a.example.com. hostmaster.example.com. 1 3600 600 86400 12
@ 86400 IN NS provider-a.example.com.
provider-a.example.com. 86400 IN A 198.18.0.53
@ 86400 IN NS provider-b.example.com.
provider-b.example.com. 86400 IN A 198.18.1.53
rr 12 A 203.0.113.10
rr 12 A 203.0.113.138
weighted 12/12 DYNA weighted!weighted
geo 12/12 DYNA geoip!geo
failover 12/12 DYNA metafo!failover
anycast 12 A 198.51.100.1

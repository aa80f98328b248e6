"""Addresses that must not be reached, and the ways to write them. The canary listens at ``{port}`` on 127.0.0.1."""

FORBIDDEN = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.1.2.3 127.255.255.254 168.63.129.16
169.254.169.254 169.254.170.2 169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::1 64:ff9b:1::7f00:1 100::1 100:0:0:1::1
2001::1 2001:0:7f00:1:: 2001:0:4136:e378:8000:63bf:80ff:fffe 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:1:: 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254
fe80::1 fe80::1%1 fe80::5efe:7f00:1 2606:4700::5efe:127.0.0.1 2606:4700::200:5efe:10.0.0.1 fec0::1 ff02::1 ff0e::1
""".split()

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255 169.255.0.0
172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2606:4700::1111 2a00:1450:4001:80e::200e 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::8.8.8.8
""".split()

# Numbers that some resolver reads as 127.0.0.1, and names and addresses that mean it.
HOSTS = """
2130706433 0x7f000001 0x7F000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 0177.1 017700000001 127.1 127.0.1 127.0.0.01 127.0.0.1.
127.0.0.0x1 0 0x0 00000 127.0.0.1.0x 4294967297.1
①②⑦.⓪.⓪.① 127。0。0。1 127．0．0．1 127｡0｡0｡1 １２７.0.0.1 ١٢٧.0.0.1
127.0.0.¹ localhost LOCALHOST localhost. ⓛocalhost localhost%00 local\u00adhost %6cocalhost %31%32%37.0.0.1
[::1] [0:0:0:0:0:0:0:1] [::0001] [::1%251] [::1%25lo] [::ffff:7f00:1] [::ffff:127.0.0.1] [0:0:0:0:0:ffff:7f00:1]
[::127.0.0.1] [64:ff9b::127.0.0.1] [127.0.0.1] [v1.127.0.0.1] ::1
[::1 ::1] [[::1]]
[::ffff:0:0:127.0.0.1] [::1].example.org
""".split()

# One parser's user name is another one's host; CANARY stands for its address. One to a line: they have spaces.
TRICKS = [
    "http://good.example\\@CANARY/",
    "http://CANARY#@good.example/",
    "http://good.example@CANARY/",
    "http://good.example:80@CANARY/",
    "http://a:b@CANARY/",
    "http://@CANARY/",
    "http://good.example%2f@CANARY/",
    "http://CANARY\t.good.example/",
    "http://CANARY%00.good.example/",
    "http://good.example\r\nHost:CANARY/",
    "http://CANARY\\good.example/",
    "http:CANARY/",
    "http:/CANARY/",
    "http:///CANARY/",
    "http:\\\\CANARY\\",
    " http://CANARY/",
    "http://CANARY/ ",
    "http://CANARY/\n",
    "http://CANARY/a b",
    "http ://CANARY/",
    "http://\x00CANARY/",
    "//CANARY/",
    "CANARY",
    "CANARY/",
    "http://CANARY/\u2028",
    "http://CANARY?@good.example/",
    "http://CANARY;good.example/",
    "http://good.example&@CANARY/",
    "http://*CANARY/",
    "http://{CANARY}/",
    "http://-CANARY/",
    "http://CANARY_/",
    "http://good.example,CANARY/",
    "http://..CANARY/",
]

SCHEMES = ["file", "ftp", "gopher", "dict", "ldap", "ws", "unix", "jar", "data", "javascript", "h+x", "hTtP ", ""]

NO_URLS = """
file:///etc/passwd http:// https:// http:/// http://:80/ http://127.0.0.1:/ http://127.0.0.1:0/ http://127.0.0.1:65536/
http://127.0.0.1:99999/ http://127.0.0.1:-1/ http://127.0.0.1:8o/ http://127.0.0.1:٨٠/ http://127.0.0.1:80:80/ http
http:
https://127.0.0.1:{port}/ HTTPS://127.0.0.1:{port} http://a..b/ http://.a/ http://-a.example/
""".split()

# Names whose addresses are not public: see the zone in test_fetch.py.
NAMES = ["loop", "private", "metadata", "mapped", "mixed", "linklocal", "teredo", "nat64"]

PORTS = [21, 22, 23, 25, 110, 143, 465, 587, 993, 3306, 5432, 6379, 8080, 9200, 11211]

SPELLINGS = [
    *(f"http://{'[' + text + ']' if ':' in text else text}/" for text in FORBIDDEN),
    *(f"http://{host}:{{port}}/" for host in HOSTS),
    *(trick.replace("CANARY", "127.0.0.1:{port}") for trick in TRICKS),
    *(f"{scheme}://127.0.0.1:{{port}}/" for scheme in SCHEMES),
    *NO_URLS,
    "",
    f"http://{'a' * 64}.example/",
    f"http://{'a.' * 130}example/",
    *(f"http://{name}.test/" for name in NAMES),
    *(f"http://public.test:{port}/" for port in PORTS),
]

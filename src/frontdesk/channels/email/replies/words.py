"""What mail programs and people write around a quote, in about forty languages.

Collected from the programs' own translations (Gmail, Apple Mail, Thunderbird, Outlook, Yahoo) as they appear in mails.
Words are compared in lower case with accents as written.
"""

from __future__ import annotations

from typing import Final

# --- "… wrote:" ---------------------------------------------------------------------------------------------------

WROTE: Final = frozenset(
    """
    wrote writes said sent
    schrieb schreibt geschrieben
    écrit ecrit
    escribió escribio escribía escribiu escribe escrigué
    escreveu escreve
    scritto scrive scrisse
    schreef schrijft geschreven
    napisał napisała pisze napisał(a) pisał
    пишет написал написала написав написала пише писал писала написа
    napsal napsala napsal(a) píše napísal napísala napísal(a) píše piše
    skrev skriver skreiv skrifaði
    kirjoitti kirjutas
    yazdı yazmış
    έγραψε έγραψαν
    írta irta írja
    scris
    napisao napisala је написао написала napisao/la
    rašė parašė rakstīja
    menulis
    idatzi ysgrifennodd scríobh
    """.split()
)
WROTE_PHRASES: Final = (
    *("写道", "寫道", "写了", "書きました", "のメール", "のメッセージ", "は書き", "さんからのメッセージ", "작성", "님이 쓴", "님의 말", "썼습니다"),
    *("כתב", "כתבה", "מאת", "كتب", "كتبت", "كتابة ما يلي", "نوشت", "ने लिखा", "লিখেছেন", "đã viết", "viết:", "เขียนว่า", "เขียน:"),
    *("missatge de", "message de", "va escriure", "a écrit", "het volgende geschreven", "napisał(a)", "hau idatzi", "o napisao"),
)
# Words that begin an attribution ("On Monday …", "Am Montag …").
OPENERS: Final = frozenset(
    """
    on am le el em a à al il in nel op w dnia dne dňa dna den d. på στις στo την on at vào pada từ du il dia día
    på i den ma ti ke to pe la su mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday
    lun mar mié mie jue vie sáb sab dom seg ter qua qui sex mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag
    samstag sonntag maandag dinsdag woensdag donderdag vrijdag zaterdag zondag lundi mardi mercredi jeudi vendredi samedi
    dimanche lunes martes miércoles jueves viernes sábado domingo segunda terça quarta quinta sexta lunedì martedì mercoledì
    giovedì venerdì sabato domenica pon wt śr czw pt sob niedz niedz. po út ut st čt št pá pi ne mån tis ons tors fre lör sön
    man. tir. tirs. ons. tor. tors. fre. lør. søn. man tir tirs tor lør søn mandag tirsdag onsdag torsdag fredag lørdag søndag
    пн вт ср чт пт сб вс нд понедельник вторник среда четверг пятница суббота воскресенье
    в у на dana u v kuupäev pt.
    în in luni marți miercuri joi vineri sâmbătă duminică lun.
    2 3 vào lúc tanggal tarihinde
    الإثنين في في‬ بتاريخ יום בתאריך ‫בתאריך ב در میں
    在 于 於 el. em. il.
    """.split()
)

# --- "Original message", "Forwarded message" ----------------------------------------------------------------------

MARKERS: Final = (
    *("original message", "original-nachricht", "ursprüngliche nachricht", "originalnachricht", "urspr. nachricht"),
    *("originalmail", "original-mail", "message d'origine", "message d’origine", "message original", "message initial"),
    *("mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht", "origineel bericht"),
    *("oorspronkelijke bericht", "wiadomość oryginalna", "oryginalna wiadomość", "исходное сообщение", "оригинал сообщения"),
    *("оригинальное сообщение", "вихідне повідомлення", "оригінальне повідомлення", "původní zpráva", "pôvodná správa"),
    *("originalmeddelande", "ursprungligt meddelande", "opprinnelig melding", "oprindelig meddelelse", "original meddelelse"),
    *("original besked", "alkuperäinen viesti", "orijinal mesaj", "özgün ileti", "orjinal mesaj", "αρχικό μήνυμα"),
    *("αρχικό μήνυμα", "eredeti üzenet", "mesaj original", "mesajul original", "mesaj inițial", "оригинално съобщение"),
    *("originalna poruka", "izvorna poruka", "izvirno sporočilo", "originalno sporočilo", "originaal kiri", "algne kiri"),
    *("sākotnējais ziņojums", "oriģinālais ziņojums", "originalus laiškas", "pradinis laiškas", "missatge original"),
    *("mensaxe orixinal", "thư gốc", "tin nhắn gốc", "pesan asli", "ข้อความต้นฉบับ", "元のメッセージ", "オリジナルメッセージ"),
    *("original message", "原始邮件", "原始郵件", "原邮件", "原始訊息", "원본 메시지", "원본 메일", "original e-mail", "הודעה מקורית"),
    *("ההודעה המקורית", "الرسالة الأصلية", "رسالة أصلية", "پیام اصلی", "मूल संदेश", "original email", "reply message"),
    *("forwarded message", "forwarded by", "weitergeleitete nachricht", "weitergeleitet von", "message transféré"),
    *("message transmis", "message réexpédié", "mensaje reenviado", "mensagem encaminhada", "messaggio inoltrato"),
    *("messaggio reinviato", "doorgestuurd bericht", "wiadomość przekazana", "przekazana wiadomość", "przekazany list"),
    *("пересылаемое сообщение", "пересланное сообщение", "переслане повідомлення", "перенаправлене повідомлення"),
    *("přeposlaná zpráva", "přeposlaný e-mail", "preposlaná správa", "vidarebefordrat meddelande", "vidarebefordrat mejl"),
    *("videresendt melding", "videresendt meddelelse", "videresendt besked", "edelleenlähetetty viesti", "välitetty viesti"),
    *("yönlendirilmiş ileti", "yönlendirilen ileti", "iletilen mesaj", "iletilmiş mesaj", "προωθημένο μήνυμα"),
    *("προωθούμενο μήνυμα", "továbbított üzenet", "mesaj redirecționat", "препратено съобщение", "proslijeđena poruka"),
    *("prosleđena poruka", "posredovano sporočilo", "edastatud kiri", "pārsūtīta ziņa", "persiųstas laiškas"),
    *("missatge reenviat", "thư được chuyển tiếp", "thư chuyển tiếp", "pesan terusan", "pesan yang diteruskan"),
    *("ข้อความที่ส่งต่อ", "転送メッセージ", "転送されたメッセージ", "转发的邮件", "轉寄郵件", "轉寄的郵件", "已转发邮件", "转发邮件信息"),
    *("전달된 메시지", "전달된 메일", "הודעה שהועברה", "رسالة معاد توجيهها", "الرسالة المعاد توجيهها", "پیام بازارسال شده"),
    *("अग्रेषित संदेश", "προωθημένο μήνυμα", "αναμεταδιδόμενο μήνυμα", "forwarded mail", "fwd message"),
)
# Apple Mail has no dashes around its own.
BEGINS: Final = (
    *("begin forwarded message", "anfang der weitergeleiteten nachricht", "début du message réexpédié"),
    *("début du message transféré", "inicio del mensaje reenviado", "início da mensagem reencaminhada"),
    *("início da mensagem encaminhada", "inizio messaggio inoltrato", "begin doorgestuurd bericht"),
    *("początek przekazywanej wiadomości", "начало переадресованного сообщения", "начало пересылаемого сообщения"),
    *("начало перенаправленного сообщения", "початок листа, що пересилається", "začátek přeposílané zprávy"),
    *("začátek přeposlané zprávy", "začiatok preposlanej správy", "vidarebefordrat brev", "videresendt melding"),
    *("start på videresendt besked", "starten på videresendt besked", "välitetty viesti alkaa", "iletilmiş e-posta başlangıcı"),
    *("iletilen iletinin başlangıcı", "αρχή προωθημένου μηνύματος", "továbbított levél kezdete", "początek przekazanej wiadomości"),
    *("începutul mesajului redirecționat", "転送されたメッセージ", "开始转发的邮件", "開始轉寄郵件", "전달된 메시지 시작"),
    *("תחילת ההודעה שהועברה", "بداية الرسالة المعاد توجيهها", "počátek přeposílané zprávy", "inici del missatge reenviat"),
)

# --- "From: … Sent: …" --------------------------------------------------------------------------------------------

LABELS: Final[dict[str, str]] = {
    label: kind
    for kind, labels in {
        "from": """from|von|de|da|van|od|от|від|från|fra|lähettäjä|gönderen|kimden|από|feladó|expeditor|de la|lähettäjältä
            |差出人|送信者|发件人|寄件者|寄件人|發件人|보낸 사람|보낸사람|발신자|מאת|من|از|प्रेषक|từ|dari|จาก|saatja|no|nuo|šalje|šalje|pošiljatelj
            |mittente|remitente|remetente|expéditeur|absender|afzender|nadawca|отправитель|відправник|odesílatel|avsändare|afsender
            |avsender|αποστολέας|odosielateľ|kimden|прати|изпратено от|igorlea|frå""",
        "sent": """sent|date|gesendet|datum|am|envoyé|envoyé le|date d'envoi|enviado|enviado el|enviada|enviada em|enviado em|fecha
            |data|inviato|inviata|data invio|verzonden|verstuurd|wysłano|wysłane|отправлено|дата|отправлен|надіслано|odesláno|odeslano
            |odoslané|dátum|datu|skickat|skickat den|sendt|dato|lähetetty|päivämäärä|gönderildi|gönderme tarihi|tarih|gönderilen
            |απεστάλη|στάλθηκε|εστάλη|ημερομηνία|elküldve|küldve|küldés dátuma|dátum|trimis|dată|送信日時|日時|送信|日付|发送时间|发送日期
            |日期|时间|寄件日期|傳送日期|寄送日期|發送時間|보낸 날짜|날짜|보낸 시간|발송일|נשלח|תאריך|تاريخ الإرسال|تم الإرسال|التاريخ|أُرسلت
            |ارسال شده|تاریخ|đã gửi|ngày|gửi|dikirim|tanggal|ส่งเมื่อ|วันที่|saadetud|kuupäev|nosūtīts|datums|išsiųsta|poslano|послато
            |изпратено|когато|sent at|bidalia""",
        "to": """to|an|à|a|para|aan|do|кому|komu|til|till|kime|kime|alıcı|προς|címzett|către|catre|pro|vastaanottaja|宛先|收件人|收件者|받는 사람
            |받는사람|수신자|אל|إلى|الى|به|đến|tới|kepada|untuk|ถึง|kellele|saaja|kam|kam|za|prima|primatelj|destinatario|destinatário
            |destinataire|empfänger|ontvanger|adresat|получатель|mottagare|modtager|mottaker|παραλήπτης|prejemnik|до|nori|komu""",
        "cc": """cc|kopie|copie|copie à|cópia|kopia|копия|копія|kopi|kopio|bilgi|κοιν|κοινοποίηση|másolat|másolatot kap|抄送|副本|참조
            |עותק|نسخة|نسخة إلى|رونوشت|bcc|c.c.|dw|kópia|ccn|cci|blindkopie|kopija|tembusan|สำเนา|kopie aan""",
        "subject": """subject|betreff|betr.|objet|asunto|assunto|oggetto|onderwerp|temat|тема|předmět|predmet|ämne|emne|aihe|konu
            |θέμα|tárgy|subiect|件名|主题|主旨|主題|제목|נושא|הנושא|الموضوع|موضوع|विषय|chủ đề|tiêu đề|subjek|perihal|เรื่อง|หัวเรื่อง
            |teema|temats|tēma|tema|zadeva|naslov|относно|assumpte|gaia|re""",
        "other": """importance|wichtigkeit|priority|reply-to|antwort an|attachments|anlagen|pièces jointes|adjuntos|anexos|allegati
            |bijlagen|załączniki|вложения|organization|organisation|répondre à|responder a|rispondi a|bilagor|vedlegg|liitteet""",
    }.items()
    for label in (one.strip() for one in labels.replace("\n", " ").split("|"))
}

# --- "Sent from my iPhone" ----------------------------------------------------------------------------------------

DEVICES: Final = (
    *("iphone", "ipad", "ipod", "android", "samsung", "galaxy", "blackberry", "huawei", "xiaomi", "redmi", "oneplus", "pixel"),
    *("nokia", "htc", "motorola", "sony", "xperia", "honor", "oppo", "vivo", "windows phone", "windows mail", "mail for windows"),
    *("outlook", "yahoo", "gmail", "protonmail", "proton mail", "mail.ru", "yandex", "яндекс", "thunderbird", "gmx", "web.de"),
    *("aol", "telekom", "t-mobile", "verizon", "at&t", "vodafone", "o2", "orange", "spark", "airmail", "k-9", "bluemail", "edison"),
    *("mobile device", "mobile phone", "smartphone", "mobiltelefon", "handy", "mobilgerät", "móvil", "celular", "telemóvel"),
    *("téléphone", "portable", "cellulare", "telefono", "telefon", "телефон", "mobiel", "mobilu", "mobilen", "puhelimesta"),
    *("cep telefonu", "κινητό", "手机", "手機", "スマートフォン", "携帯", "휴대폰", "스마트폰", "삼성", "갤럭시", "apple mail", "mac", "айфон", "אייפון"),
    *("آيفون", "الآيفون", "tablet", "macbook", "apple watch", "мобильн", "мобільн", "zimbra", "libero mail", "my phone"),
    *("wp.pl", "onet", "seznam", "mailbird", "fastmail", "tutanota", "tuta", "hey.com", "naver", "네이버", "qq邮箱", "网易", "foxmail"),
)
SENT_FROM: Final = (
    *("sent from", "sent via", "sent by", "sent with", "sent using", "sent on", "get outlook", "from my iphone", "from my ipad"),
    *("gesendet", "gesandt", "geschickt", "von meinem", "outlook für", "diese nachricht wurde von", "von unterwegs"),
    *("envoyé", "télécharger outlook", "obtenez outlook", "envoyer", "provenance de", "obtenir outlook", "depuis mon"),
    *("enviado", "enviada", "obtener outlook", "obtén outlook", "descargar outlook", "consigue outlook", "enviat des"),
    *("obter o outlook", "obtenha o outlook", "baixe o outlook", "inviato", "inviata", "scarica outlook", "ottieni outlook"),
    *("verzonden", "verstuurd", "outlook voor", "wysłane", "wysłano", "pobierz outlook", "отправлено", "отправлен", "скачать outlook"),
    *("получить outlook", "послано", "надіслано", "відправлено", "отримати outlook", "odesláno", "odosláno", "odoslané", "poslané"),
    *("získat outlook", "získajte outlook", "poslano", "posláno", "skickat", "skickades", "hämta outlook", "sendt", "sent frå", "hent outlook"),
    *("få outlook", "lähetetty", "hanki outlook", "gönderildi", "gönderilmiştir", "edinin", "στάλθηκε", "εστάλη", "αποστολή από"),
    *("λήψη του outlook", "küldve", "küldték", "elküldve", "szerezze be", "trimis", "obțineți outlook", "изпратено", "poslano sa"),
    *("poslato", "saadetud", "nosūtīts", "išsiųsta", "được gửi", "gửi từ", "đã gửi từ", "dikirim dari", "ส่งจาก", "から送信", "より送信"),
    *("を入手", "发自", "來自", "来自", "發自", "傳送", "发送自", "从我的", "從我的", "에서 보냄", "에서 보낸", "에서 전송", "보냄", "다운로드"),
    *("נשלח", "أرسل", "أُرسل", "أُرسلت", "تم الإرسال", "مرسل من", "ارسال شده", "فرستاده شده", "भेजा गया", "preuzmite outlook"),
)

# --- "Best regards," ----------------------------------------------------------------------------------------------

CLOSINGS: Final = (
    *("best regards", "kind regards", "warm regards", "regards", "best wishes", "sincerely", "yours truly", "yours faithfully"),
    *("cheers", "thanks", "thank you", "many thanks", "with best regards", "mit freundlichen grüßen", "freundliche grüße", "mfg"),
    *("viele grüße", "beste grüße", "liebe grüße", "herzliche grüße", "mit besten grüßen", "lg", "vg", "cordialement", "bien à vous"),
    *("bien cordialement", "salutations", "sincères salutations", "un saludo", "saludos", "saludos cordiales", "atentamente"),
    *("cordialmente", "atenciosamente", "cumprimentos", "melhores cumprimentos", "abraços", "cordiali saluti", "distinti saluti"),
    *("saluti", "met vriendelijke groet", "vriendelijke groeten", "groeten", "pozdrawiam", "z poważaniem", "с уважением"),
    *("з повагою", "s pozdravem", "s pozdravom", "med vänliga hälsningar", "vänliga hälsningar", "mvh", "hälsningar"),
    *("med vennlig hilsen", "vennlig hilsen", "med venlig hilsen", "venlig hilsen", "ystävällisin terveisin", "terveisin"),
    *("saygılarımla", "iyi çalışmalar", "με εκτίμηση", "με φιλικούς χαιρετισμούς", "üdvözlettel", "cu stimă", "cu respect"),
    *("с поздрав", "lijep pozdrav", "srdačan pozdrav", "lep pozdrav", "lugupidamisega", "ar cieņu", "pagarbiai", "trân trọng"),
)

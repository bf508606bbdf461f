# SPDX-License-Identifier: Apache-2.0
"""Values that others have published: examples, test values, contacts of institutions.

The values stand between « and », in sentences of ours; those of the last entry hold none, but look
as if they did.
"""

REAL = {
    "EMAIL_ADDRESS": """
        Send patches to «linux-kernel@vger.kernel.org».
        The list «debian-boot@lists.debian.org» decides.
        Networking: netdev, «netdev@vger.kernel.org», archived daily.
        Ask the registrar at «iana@iana.org»;
        mailto:«webmaster@w3.org»?subject=Hello
        From: RFC Editor <«rfc-editor@rfc-editor.org»>
        («security@python.org»)
        Envíe un mensaje a «informatica@un.org», por favor.
    """,
    "PHONE_NUMBER": """
        The White House switchboard is «202-456-1111» or «(202) 456-1414».
        Bundestag, Tel. «+49 30 227-0000»
        Zentrale: «+49 (0)30 18 17 0»
        Downing Street, telephone «020 7925 0918»
        Élysée : «01 42 92 81 00»
        UN Headquarters, New York: «+1 212-963-1234»
        Smithsonian: «202-633-1000»
        ITU, Genève, «+41 22 730 5111»
        Library of Congress: «(202) 707-5000».
        Phone: «701-234-7556»
        Europe: Telephone: «33 (0)1 41 15 44 00»
    """,
    "IP_ADDRESS": """
        Google answers at «8.8.8.8» and «8.8.4.4».
        nameserver «1.1.1.1»
        Quad9 is «9.9.9.9» or «2620:fe::fe».
        Private ranges begin with «10.0.0.0»/8 and «192.168.0.0»/16.
        The resolver «2001:4860:4860::8888» has IPv6 only.
        ping6 «2606:4700:4700::1111»
        http://«93.184.216.34»/index.html
        a.root-servers.net is «198.41.0.4», «2001:503:ba3e::2:30».
        [«2001:db8:85a3:8d3:1319:8a2e:370:7348»]:443
        Link local: «fe80::1ff:fe23:4567:890a».
    """,
    "MAC_ADDRESS": """
        hardware ethernet «00:16:3E:C2:07:EE»;
        link/ether «52:54:00:12:34:56» brd ff:ff:ff:ff:ff:ff
        The multicast address «01-80-C2-00-00-0E» is for LLDP.
    """,
    "CREDIT_CARD": """
        Use «4242 4242 4242 4242» to try a payment.
        Test card «4111111111111111», any date.
        Mastercard: «5555-5555-5555-4444»
        Amex «3782 822463 10005» has fifteen digits.
        Amex «378282246310005»
        Discover «6011111111111117»
        JCB «3530111333300000»
        Diners «30569309025904»
        UnionPay «6200000000000005»
        2-series: «2223003122003222»
    """,
    "IBAN_CODE": """
        IBAN: «DE89 3704 0044 0532 0130 00»
        IBAN «GB29 NWBK 6016 1331 9268 19» (sort code 60-16-13)
        Konto «DE89370400440532013000», danke.
        Virement sur «FR14 2004 1010 0505 0001 3M02 606».
        «CH93 0076 2011 6238 5295 7»
        «NL91ABNA0417164300»
        «NO93 8601 1117 947»
        «BE68539007547034»
        «ES91 2100 0418 4502 0005 1332»
        «IT60X0542811101000000123456»
        «SE45 5000 0000 0583 9825 7466»
        «AT611904300234573201»
        «PL61109010140000071219812874»
        «SA03 8000 0000 6080 1016 7519»
        «MT84MALT011000012345MTLCAST001S»
    """,
    "AWS_KEY": "aws_access_key_id = «AKIAIOSFODNN7EXAMPLE»",
    "SECRET": "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
    "JWT": (
        "Bearer «eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4g"
        "RG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c»"
    ),
    "CRYPTO": """
        The first block paid «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa».
        Send to «bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4».
        «3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy»
        «0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed»
        «bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0»
    """,
    "": """
        Released as 2.6.32.71 on 2016-03-12.
        See section 6.1.2.3, then section 7.
        7.2.1.1 The assert macro
        π is 3.14159265358979323846, e is 2.71828182845904523536.
        ISBN 978-3-16-148410-0
        ISBN-10: 0-306-40615-2, ISSN 0317-8471
        doi:10.1038/nphys1170 and doi:10.1109/5.771073
        123e4567-e89b-12d3-a456-426614174000
        da39a3ee5e6b4b0d3255bfef95601890afd80709  empty.txt
        sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        git clone git@github.com:torvalds/linux.git
        systemctl enable getty@tty1.service
        <img src="logo@2x.png" alt="">
        The std::vector<ab::cd> of x[::2] and A::B.
        At 12:30:45 on 2004-05-06 12:31:00.123456 it stopped.
        netmask 255.255.255.0, loopback 127.0.0.1, any 0.0.0.0
        npm install react@18.2.0 lodash@4.17.21
        crc 00 01 42 68 53 00 ff 02 00 00 00 00 7f
        RFC 2606, RFC 5737 and RFC 3849 reserve names and numbers.
        -----BEGIN PGP PUBLIC KEY BLOCK-----
        -----BEGIN CERTIFICATE-----
        Speed of light: 299 792 458 m/s; Avogadro: 6.02214076e23
        permutations: 012 021 102 120 201 210
        The primary key: id, the foreign key: user_id, public_key=none
        password: hunter2
        maximum supported LocalDate, '+999999999-12-31'
        1,234,567.89 EUR or 1.234.567,89 EUR
        arXiv:2306.01116, PMID 12345678, EAN 4006381333931
    """,
}

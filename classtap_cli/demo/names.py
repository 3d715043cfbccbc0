"""Names as families write them, in many languages and scripts. Invented pairings of common names; nobody in particular."""

from typing import NamedTuple


class Tradition(NamedTuple):
    """How one language names people: given names of children, of grown-ups, and surnames.

    Attributes:
        weight: how common in the demo's town. feminine: the surname's form for girls and women, where it has one
            (surnames and `feminine` run in step). girls, boys: first names; the first of each are the grown-ups'.
    """

    language: str
    weight: int
    surnames: tuple[str, ...]
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    feminine: tuple[str, ...] = ()

    def surname(self, position: int, *, feminine: bool) -> str:
        table = self.feminine if feminine and self.feminine else self.surnames
        return table[position % len(table)]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


TRADITIONS: tuple[Tradition, ...] = (
    Tradition(
        "es", 9,
        _words("García Núñez,Fernández Peña,Muñoz Ibáñez,López Ávila,Martín Sáez,Jiménez Ruiz,Ordóñez Gil,Castaño Vélez"),
        _words("Lucía,Inés,Sofía,Begoña,Vega,Nerea,Ximena,Alba"),
        _words("Martín,Íñigo,Hugo,Nicolás,Adrián,Bruno,Álvaro,Leo"),
    ),
    Tradition(
        "en", 7,
        _words("Whitaker,O’Brien,Okonkwo-Hughes,Fairbairn,St John,Ashworth,McAllister,Pemberton"),
        _words("Margaret,Imogen,Zoë,Florence,Chloë,Harriet,Ivy,Matilda"),
        _words("Edmund,Theo,Jasper,Rafferty,Noah,Arthur,Finn,Oscar"),
    ),
    Tradition(
        "pt", 4,
        _words("Gonçalves Simões,Magalhães,Araújo Brandão,Conceição,Guimarães,Falcão"),
        _words("Conceição,Inês,Júlia,Beatriz,Antónia,Leonor"),
        _words("João,Simão,Tomás,Luís,Estêvão,Duarte"),
    ),
    Tradition(
        "fr", 4,
        _words("Lefèvre,Beauséjour,Maître,Guérin,D’Aubigné,Besançon"),
        _words("Hélène,Maëlys,Zoé,Anaïs,Éloïse,Léonie"),
        _words("François,Raphaël,Gaël,Timothée,Loïc,Maël"),
    ),
    Tradition(
        "de", 4,
        _words("Müller-Groß,Schäfer,Köhler,Jäger,Weiß,Böttcher"),
        _words("Käthe,Frieda,Änne,Mathilda,Rosalie,Jördis"),
        _words("Jürgen,Björn,Emil,Sören,Götz,Matthäus"),
    ),
    Tradition(
        "pl", 3,
        _words("Wójcik,Łukaszewski,Źdźbło,Kowalczyk,Dąbrowski,Święcicki"),
        _words("Małgorzata,Zofia,Łucja,Świętosława,Hania,Jagoda"),
        _words("Paweł,Staś,Mikołaj,Wojciech,Bolesław,Grześ"),
        _words("Wójcik,Łukaszewska,Źdźbło,Kowalczyk,Dąbrowska,Święcicka"),
    ),
    Tradition(
        "cs", 2,
        _words("Dvořák,Říha,Žižka,Procházka,Kučera"),
        _words("Božena,Eliška,Tereza,Žofie,Anežka"),
        _words("Jiří,Ondřej,Vojtěch,Štěpán,Matěj"),
        _words("Dvořáková,Říhová,Žižková,Procházková,Kučerová"),
    ),
    Tradition(
        "tr", 3,
        _words("Yıldız,Çağlayan,Öztürk,Şahin,Güneş,İnan"),
        _words("Gülşah,Elif,İpek,Zeynep,Çiğdem,Nazlı"),
        _words("Oğuz,Emir,Çınar,Yiğit,Ömer,Işık"),
    ),
    Tradition(
        "vi", 3,
        _words("Nguyễn,Trần,Phạm,Huỳnh,Đặng,Võ"),
        _words("Thị Hương,Ánh Nguyệt,Bảo Trâm,Thùy Linh,Mỹ Duyên,Khánh Vy"),
        _words("Văn Đức,Minh Khôi,Gia Bảo,Quốc Anh,Đăng Khoa,Hữu Phước"),
    ),
    Tradition(
        "is", 1,
        _words("Þórðarson,Guðmundsson,Sigurðsson"),
        _words("Guðrún,Þórdís,Ásta"),
        _words("Jón,Ægir,Þór"),
        _words("Þórðardóttir,Guðmundsdóttir,Sigurðardóttir"),
    ),
    Tradition(
        "yo", 2,
        _words("Adébáyọ̀,Ọlátúnjí,Ṣówándé,Akínwálé"),
        _words("Ìyábọ̀,Títílayọ̀,Adéọlá,Fọlákẹ́"),
        _words("Olúwaṣeun,Babátúndé,Káyọ̀dé,Ṣẹ́gun"),
    ),
    Tradition(
        "ru", 4,
        _words("Соловьёв,Кузнецов,Щербаков,Журавлёв,Ершов"),
        _words("Наталья,Василиса,Ульяна,Софья,Алёна"),
        _words("Сергей,Мирон,Фёдор,Тимофей,Савелий"),
        _words("Соловьёва,Кузнецова,Щербакова,Журавлёва,Ершова"),
    ),
    Tradition(
        "uk", 3,
        _words("Шевченко,Їжакевич,Ґудзь,Зінченко,Кравець"),
        _words("Оксана,Соломія,Злата,Єва,Ярина"),
        _words("Тарас,Матвій,Устим,Єгор,Захар"),
    ),
    Tradition(
        "bg", 1,
        _words("Христов,Димитров,Янков"),
        _words("Ваня,Йоана,Цветелина"),
        _words("Георги,Калоян,Симеон"),
        _words("Христова,Димитрова,Янкова"),
    ),
    Tradition(
        "el", 3,
        _words("Παπαδόπουλος,Αγγελίδης,Χατζής,Οικονόμου"),
        _words("Ελένη,Αριάδνη,Δανάη,Μυρτώ"),
        _words("Γιώργος,Οδυσσέας,Φοίβος,Ιάσονας"),
        _words("Παπαδοπούλου,Αγγελίδου,Χατζή,Οικονόμου"),
    ),
    Tradition(
        "ar", 5,
        _words("الحسيني,بن عمر,المنصوري,الخطيب,حدّاد,الزهراني"),
        _words("فاطمة,ليلى,مريم,نور,سلمى,جُمانة"),
        _words("محمد,يوسف,آدم,عمر,زياد,إلياس"),
    ),
    Tradition(
        "fa", 2,
        _words("رضایی,پورمحمدی,کریمی,ژاله‌پور"),
        _words("شیرین,پریسا,آناهیتا,گلناز"),
        _words("داریوش,کیان,پارسا,آرش"),
    ),
    Tradition(
        "he", 3,
        _words("כהן,בן־דוד,פרידמן,מזרחי,אבוטבול"),
        _words("רחל,נועה,תמר,יעל,אביגיל"),
        _words("יוסף,איתי,אורי,נדב,יהונתן"),
    ),
    Tradition(
        "hi", 4,
        _words("शर्मा,अग्रवाल,श्रीवास्तव,त्रिपाठी,चौहान"),
        _words("सुनीता,अनन्या,काव्या,ऋद्धि,मीरा"),
        _words("राजेश,आरव,कृष्ण,ईशान,विहान"),
    ),
    Tradition(
        "bn", 2,
        _words("চট্টোপাধ্যায়,বন্দ্যোপাধ্যায়,দাস"),
        _words("সুচিত্রা,অনন্যা,মৌসুমী"),
        _words("রবীন্দ্র,অর্ণব,সৌম্য"),
    ),
    Tradition(
        "ta", 1,
        _words("சுப்பிரமணியன்,கிருஷ்ணமூர்த்தி"),
        _words("லட்சுமி,யாழினி"),
        _words("முருகன்,கவின்"),
    ),
    Tradition(
        "zh", 6,
        _words("王,李,欧阳,陈,司马,龚"),
        _words("秀英,雨桐,诗涵,欣怡,梓萱,小龍女"),
        _words("建国,浩然,子轩,宇航,一诺,鑫"),
    ),
    Tradition(
        "ja", 4,
        _words("佐藤,髙橋,渡邊,小鳥遊,長谷川"),
        _words("陽子,さくら,結衣,ひなた,美咲"),
        _words("健一,蓮,ハルト,翔太,悠真"),
    ),
    Tradition(
        "ko", 4,
        _words("김,이,박,남궁,선우"),
        _words("영희,서연,지우,하윤,나래"),
        _words("철수,민준,도윤,시우,한결"),
    ),
    Tradition(
        "th", 2,
        _words("ศรีสุวรรณ,วงศ์ใหญ่,ทองดี,เจริญสุข"),
        _words("สมหญิง,พิมพ์ชนก,กัญญาณัฐ,น้ำฝน"),
        _words("สมชาย,ธนกฤต,ภูมิ,ก้องภพ"),
    ),
    Tradition(
        "am", 2,
        _words("ተስፋዬ,ገብረመድህን,ኃይለሥላሴ,አበበ"),
        _words("አስቴር,ሰላም,ሕይወት,ቤተልሔም"),
        _words("ዳዊት,ናትናኤል,ዮሐንስ,ኪሩቤል"),
    ),
    Tradition(
        "ka", 1,
        _words("ბერიძე,გელაშვილი,ჯაფარიძე"),
        _words("ნინო,თამარი,ელენე"),
        _words("გიორგი,ლუკა,საბა"),
    ),
    Tradition(
        "hy", 1,
        _words("Սարգսյան,Տեր-Պետրոսյան,Հակոբյան"),
        _words("Անահիտ,Նարե,Մարիամ"),
        _words("Արամ,Դավիթ,Տիգրան"),
    ),
)  # fmt: skip

SURNAME_FIRST = frozenset({"zh", "ja", "ko", "vi"})
"""Languages whose full names are written surname first."""

UNSPACED = frozenset({"zh", "ja", "ko"})


def full_name(language: str, given: str, surname: str) -> str:
    """A whole name as its language writes it."""
    if language in UNSPACED:
        return surname + given
    return f"{surname} {given}" if language in SURNAME_FIRST else f"{given} {surname}"

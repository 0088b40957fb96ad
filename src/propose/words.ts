/** What the names of fields say, in several languages. Names are never enough: the values have to agree. */

/** Words that name who sees an item. */
const USER = words(
  "user uid usr userid member visitor customer cust viewer account person people profile subscriber client buyer shopper player reader listener consumer guest",
  "nutzer benutzer kunde mitglied utilisateur membre visiteur usuario usuário cliente miembro utente gebruiker klant użytkownik",
  "пользователь клиент 用户 会员 使用者 ユーザー 会員 사용자 회원",
);
/** Words that name a user where nothing better does. */
const USER_WEAK = words("session device cookie idfa gaid ifa browser household sitzung gerät appareil dispositivo ip");
/** Words that name what is shown. */
const ITEM = words(
  "item iid video vid ad ads advert advertisement product prod article creative sku asin post content listing movie film song track news doc document offer banner goods book photo pin story clip episode show game app recipe hotel job course note tweet",
  "artikel produkt anzeige beitrag produit annonce vidéo producto anuncio artículo produto artigo prodotto annuncio annons товар объявление",
  "商品 物品 视频 广告 広告 動画 作品 상품 광고",
);
/** Words that name groups of items: an item where nothing better is one. */
const ITEM_WEAK = words("campaign adgroup adset page url link merchant restaurant property target");
/** Words that name one event. */
const EVENT = words(
  "event impression imp request req log row record click transaction message trace auction bid view hit entry index idx",
);
const TIME = words(
  "time timestamp ts datetime date day when at occurred happened utc epoch tstamp servertime eventtime unix iso local ms millis milliseconds sec secs seconds us micros microseconds ns nanos nanoseconds",
  "zeit zeitpunkt zeitstempel datum uhrzeit temps heure horodatage fecha hora marca tempo data ora tijd время дата",
  "时间 日期 時刻 日時 時間 시간 날짜",
);
const ACTION = words(
  "action event activity behavior behaviour verb interaction aktion acción azione действие 行为 行動 행동",
);
const SURFACE = words(
  "surface placement slot zone inventory channel tab feed screen section module widget site scene scenario page network platzierung emplacement ubicación 位置 场景 版位 掲載面 지면",
);
const ORIGIN = words("origin source paid sponsored herkunft origine origen");
/** Words of ids, and around the words above: they change nothing. */
const PLAIN = words(
  "id ids key uuid guid hash hashed no nr num number code pk identifier ident kennung anon anonymous masked encrypted raw the my our global external internal primary main default str string int name value",
);
/** Words that are plain around some roles: an `event_type` is an action, and a `user_type` no user. */
const PLAIN_AROUND: { readonly [R in NamedRole]?: ReadonlySet<string> } = {
  action: words("type kind class user ad item content"),
  surface: words("type kind class ad ads item content video page traffic display"),
};
/** Of {@link PLAIN}, those that make a name an id. */
const ID_WORDS = words("id ids key uuid guid hash no nr code pk identifier ident kennung");

/** Words of what is known only after an item was shown. */
const OUTCOME = words(
  "click clicks clicked clk like likes liked conversion conversions converted convert conv purchase purchased purchases buy bought order orders ordered install installed installs label target y response responded follow followed follows share shared shares forward forwarded comment commented comments view viewed views watch watched watching finish finished complete completed completion enter entered favorite favorited favourite fav dislike disliked hate hated skip skipped hide hidden report reported subscribe subscribed signup register registered registration open opened engage engaged engagement cart basket addtocart atc checkout lead save saved bookmark reply replied retweet vote voted rating rated play played playtime dwell stay stayed spent listen listened read swipe tap tapped success outcome reward feedback bounce attributed revenue gmv payment sale sold cost spend charge charged scroll scrolled churn review after post returned",
  "klick klicks geklickt kauf gekauft bestellt clic clics cliqué achat acheté clique compra comprado compró acquisto klik клик покупка конверсия",
  "点击 購買 购买 转化 点赞 收藏 播放 クリック 購入 再生 클릭 구매",
);
/** Words of {@link OUTCOME} that happen long after an item was shown. */
const LATE = words(
  "conversion conversions converted convert conv purchase purchased purchases buy bought order orders ordered install installed installs signup register registered registration subscribe subscribed checkout lead churn revenue gmv payment sale sold returned kauf gekauft bestellt achat acheté compra comprado compró acquisto покупка конверсия 購買 购买 转化 購入 구매",
);
/** Words that may name an outcome or a fact of the item: only the values tell. */
const EITHER = words("duration length seconds ms time count total amount dauer durée duración");
/** Words of flags that are known when an item is shown. */
const BEFORE = words(
  "mobile desktop tablet new premium weekend holiday logged verified ad ads sponsored promoted test vip male female gender active available stock promo promotion free discount member adult kid android ios wifi first returning prime paid hd autoplay night business",
);
/** Words of what models or aggregates said of the event: they may know the future. */
const PREDICTED = words(
  "score prediction predicted pred pctr pcvr pcr ctr cvr propensity probability prob rank_score estimate ecpm",
);
/** Words of numbers, whose size means something. */
const MEASURE = words(
  "price bid budget age size width height duration length seconds ms sec count total amount num number weight distance score rate ratio percent avg mean latitude longitude lat lon lng temperature income rank position preis prix precio alter 价格 価格",
);

/** Words of what a whole number is the code of. */
const GROUP = words(
  "campaign adgroup advertiser brand category cat subcategory genre class shop seller merchant city region country state zip zipcode postcode cluster segment group type kind device os author topic tag language lang gender occupation",
);

const ROLES = {
  user: USER,
  userWeak: USER_WEAK,
  item: ITEM,
  itemWeak: ITEM_WEAK,
  event: EVENT,
  time: TIME,
  action: ACTION,
  surface: SURFACE,
  origin: ORIGIN,
} as const;

/** What a whole name may say that a field is. */
export type NamedRole = keyof typeof ROLES;

const TRAITS = {
  outcome: OUTCOME,
  late: LATE,
  either: EITHER,
  before: BEFORE,
  predicted: PREDICTED,
  measure: MEASURE,
  group: GROUP,
  id: ID_WORDS,
} as const;

/** What some word of a name may say of a field. */
export type Trait = keyof typeof TRAITS;

function words(...lists: readonly string[]): ReadonlySet<string> {
  return new Set(lists.flatMap((list) => list.split(" ")));
}

/** The words of a name: `userId`, `user_id`, `USER-ID` and `user id` are `user` and `id`. */
export function wordsOf(name: string): readonly string[] {
  return name
    .normalize("NFC")
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "" && word !== "is" && word !== "has" && word !== "was" && word !== "did");
}

// `visitorid` and `useruuid` are one word to the eye of a regular expression.
function isWordOf(word: string, set: ReadonlySet<string>): boolean {
  if (set.has(word)) return true;
  const stem = /^(.{2,}?)(id|uuid|guid|key|hash)$/.exec(word)?.[1];
  return stem !== undefined && set.has(stem);
}

function isPlain(word: string, role: NamedRole): boolean {
  return PLAIN.has(word) || PLAIN_AROUND[role]?.has(word) === true;
}

const HAS_NO_SPACES = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u;

/**
 * Whether a name is the words of a role and nothing else but plain ones: `anon_user_id` is a user, `user_age` none. Of a
 * field inside of another, `ctx.placement`, its own name may say it alone.
 */
export function isNamed(name: string, role: NamedRole): boolean {
  return isNamedWhole(name, role) || (name.includes(".") && isNamedWhole(ownName(name), role));
}

/** The name that a field has inside of another. */
export function ownName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function isNamedWhole(name: string, role: NamedRole): boolean {
  const set: ReadonlySet<string> = ROLES[role];
  const words = wordsOf(name);
  if (HAS_NO_SPACES.test(name)) return [...set].some((word) => HAS_NO_SPACES.test(word) && name.includes(word));
  return words.some((word) => isWordOf(word, set)) && words.every((word) => isWordOf(word, set) || isPlain(word, role));
}

/** Whether some word of a name says this. */
export function hasTrait(name: string, trait: Trait): boolean {
  const set: ReadonlySet<string> = TRAITS[trait];
  if (HAS_NO_SPACES.test(name)) return [...set].some((word) => HAS_NO_SPACES.test(word) && name.includes(word));
  const words = wordsOf(name);
  return words.some((word) => set.has(word) || (trait === "id" && /.(id|uuid|guid)$/.test(word) && word !== "paid"));
}

/** Whether one of these words is in a name. */
export function hasWord(name: string, some: readonly string[]): boolean {
  return wordsOf(name).some((word) => some.includes(word));
}

/** Whether a name is like that of a time. */
export function namesTime(name: string): boolean {
  return isNamed(name, "time") || /time|date|_at$|[a-z]At$|_ts$/i.test(name);
}

/** Whether a name is like that of an id. */
export function namesId(name: string): boolean {
  const roles = ["user", "userWeak", "item", "itemWeak", "event"] as const;
  return hasTrait(name, "id") || roles.some((role) => isNamed(name, role));
}

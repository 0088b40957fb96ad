import { describe, expect, it } from "vitest";
import { hasTrait, isNamed, namesId, namesTime, wordsOf } from "./words.ts";

describe("wordsOf", () => {
  it.each([
    ["userId", ["user", "id"]],
    ["USER_ID", ["user", "id"]],
    ["user id", ["user", "id"]],
    ["HTTPRequestID", ["http", "request", "id"]],
    ["is_click", ["click"]],
    ["play_time_ms", ["play", "time", "ms"]],
    ["Größe-2", ["größe", "2"]],
  ])("%s is %j", (name, words) => expect(wordsOf(name)).toEqual(words));
});

describe("isNamed", () => {
  it.each([
    "user_id",
    "userId",
    "uid",
    "UID",
    "visitorid",
    "anon_user_id",
    "Kunde",
    "用户ID",
    "customer_uuid",
    "user_hash",
  ])("%s is a user", (name) => {
    expect(isNamed(name, "user")).toBe(true);
    expect(isNamed(name, "item")).toBe(false);
  });

  it("a field inside of another may say it by its own name alone", () => {
    expect(isNamed("ctx.placement", "surface")).toBe(true);
    expect(isNamed("payload.user_id", "user")).toBe(true);
    expect(isNamed("event.item.id", "item")).toBe(false);
    expect(isNamed("user.country", "user")).toBe(false);
  });

  it.each(["ad_id", "video", "itemId", "productid", "ARTICLE_NR", "商品ID", "content_id"])("%s is an item", (name) => {
    expect(isNamed(name, "item")).toBe(true);
    expect(isNamed(name, "user")).toBe(false);
  });

  it.each([
    "user_age",
    "user_type",
    "user_country",
    "video_duration",
    "item_price",
    "content_type",
    "product_category",
    "ad_slot",
  ])("%s is neither", (name) => {
    expect(isNamed(name, "user") || isNamed(name, "item")).toBe(false);
  });
});

describe("hasTrait", () => {
  it.each([
    "is_click",
    "post_click",
    "adClick",
    "play_time_ms",
    "watchTime",
    "dwell",
    "converted",
    "order_value",
    "revenue",
    "点击数",
    "num_likes",
    "LABEL",
    "comment_stay_time",
  ])("%s may be known only later", (name) => expect(hasTrait(name, "outcome")).toBe(true));

  it.each(["price", "category", "country", "position", "device", "hour", "user_age", "brand_id"])(
    "%s is not named so",
    (name) => expect(hasTrait(name, "outcome")).toBe(false),
  );

  it("tells ids and times", () => {
    for (const name of ["brand_id", "brandId", "campaignid", "ad_key", "user"]) expect(namesId(name)).toBe(true);
    for (const name of ["paid", "price", "hour"]) expect(namesId(name)).toBe(false);
    for (const name of ["ts", "time_ms", "createdAt", "event_date", "Zeitstempel"]) expect(namesTime(name)).toBe(true);
  });
});

"""Column names of known exports: our field → their column. More than one spelling may be known."""

from __future__ import annotations

from msgspec import Struct, field


class Preset(Struct, frozen=True):
    """`columns`: field → columns, of which the first that says something counts; however they are capitalised.
    `constant`: fields that every row has."""

    columns: dict[str, tuple[str, ...]]
    constant: dict[str, str] = field(default_factory=dict)


FIELDS = [
    "id",
    "text",
    "title",
    "thread_title",
    "quoted_text",
    "url",
    "site",
    "published_at",
    "edited_at",
    "platform",
    "language",
    "community",
    "kind",
    "country",
    "place",
    "hashtags",
    "links",
    "rating",
    "reply_to",
    "thread_root",
    "repost_of",
    "quote_of",
    "author.id",
    "author.handle",
    "author.name",
    "author.followers",
    "author.description",
    "engagement.likes",
    "engagement.replies",
    "engagement.reposts",
    "engagement.quotes",
    "engagement.views",
    "engagement.saves",
    "engagement.dislikes",
]
"""What a column can be mapped to; the last word alone will do where it is unambiguous (`followers`, `likes`)."""

GENERIC = Preset(
    {
        "id": ("id",),
        "text": ("text", "content", "message", "body", "full text", "inhalt", "nachricht"),
        "title": ("title", "headline", "titel"),
        "url": ("url", "link"),
        "published_at": ("published_at", "created_at", "date", "time", "timestamp", "datum", "zeit", "zeitpunkt"),
        "platform": ("platform", "network", "plattform", "netzwerk"),
        "language": ("language", "lang", "sprache"),
        "community": ("community",),
        "kind": ("kind",),
        "rating": ("rating", "stars", "bewertung"),
        "author.id": ("author_id",),
        "author.handle": ("author", "handle", "username", "user", "autor"),
        "author.name": ("author_name", "name"),
        "author.followers": ("followers", "follower"),
        "engagement.likes": ("likes",),
        "engagement.replies": ("replies", "comments", "kommentare"),
        "engagement.reposts": ("reposts", "retweets", "shares"),
        "engagement.views": ("views", "impressions"),
    }
)

PRESETS: dict[str, Preset] = {
    "generic": GENERIC,
    "airline": Preset(
        {
            "text": ("text",),
            "published_at": ("tweet_created",),
            "author.handle": ("name",),
            "engagement.reposts": ("retweet_count",),
            "place": ("tweet_location",),
        },
        {"platform": "twitter"},
    ),
    "brandwatch": Preset(
        {
            "text": ("Full Text", "Snippet"),
            "title": ("Title",),
            "url": ("Url", "URL"),
            "published_at": ("Date",),
            "platform": ("Content Source Name", "Page Type"),
            "language": ("Language",),
            "community": ("Subreddit", "Domain"),
            "country": ("Country Code",),
            "author.handle": ("Author",),
            "author.name": ("Full Name",),
            "author.followers": ("X Followers", "Twitter Followers"),
            "engagement.likes": ("X Likes", "Likes"),
            "engagement.replies": ("X Replies", "Comments"),
            "engagement.reposts": ("X Reposts", "Twitter Retweets", "Shares"),
            "engagement.views": ("Impressions",),
        }
    ),
    "talkwalker": Preset(
        {
            "text": ("content", "content_snippet"),
            "title": ("title",),
            "url": ("url",),
            "published_at": ("published", "indexed"),
            "language": ("lang",),
            "country": ("extra_author_attributes.world_data.country_code",),
            "author.handle": ("extra_author_attributes.short_name",),
            "author.name": ("extra_author_attributes.name",),
            "engagement.likes": ("twitter_likes", "likes"),
            "engagement.reposts": ("twitter_shares", "shares"),
        }
    ),
    "meltwater": Preset(
        {
            "text": ("Hit Sentence", "Opening Text"),
            "title": ("Headline",),
            "url": ("URL",),
            "published_at": ("Date",),
            "platform": ("Source",),
            "language": ("Language",),
            "country": ("Country",),
            "author.handle": ("Influencer", "Twitter Screen Name"),
            "author.followers": ("Twitter Followers",),
            "engagement.views": ("Reach",),
        }
    ),
}

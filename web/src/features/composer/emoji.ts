// The ones people use at work, with words to find them by.
export const EMOJI: readonly (readonly [string, string])[] = [
  ["🙂", "smile"], ["😀", "happy grin"], ["😄", "laugh happy"], ["😊", "blush warm"], ["😉", "wink"], ["😍", "love eyes"], ["🤗", "hug"], ["🤔", "think"],
  ["😅", "sweat relief"], ["😂", "tears laugh"], ["😎", "cool"], ["😢", "sad cry"], ["😕", "confused"], ["😬", "grimace awkward"], ["😮", "surprised wow"], ["😴", "sleep tired"],
  ["👍", "thumbs up yes ok"], ["👎", "thumbs down no"], ["👏", "clap applause"], ["🙌", "hands celebrate"], ["🙏", "please thanks pray"], ["🤝", "handshake deal"], ["👋", "wave hello bye"], ["💪", "strong"],
  ["✌️", "peace"], ["👌", "ok perfect"], ["🤞", "fingers crossed luck"], ["👀", "eyes look"], ["❤️", "heart love"], ["💙", "blue heart"], ["💚", "green heart"], ["🧡", "orange heart"],
  ["🎉", "party celebrate"], ["🎂", "cake birthday"], ["🎁", "gift present"], ["✨", "sparkles new"], ["⭐", "star"], ["🔥", "fire hot"], ["💯", "hundred perfect"], ["🏆", "trophy win"],
  ["✅", "check done yes"], ["☑️", "tick box"], ["❌", "cross no wrong"], ["❓", "question"], ["❗", "important exclamation"], ["⚠️", "warning"], ["🚫", "forbidden"], ["🔔", "bell reminder"],
  ["📞", "phone call"], ["📱", "mobile"], ["📧", "email mail"], ["💬", "chat message"], ["📝", "note write"], ["📎", "attachment clip"], ["📄", "document"], ["📅", "calendar date"],
  ["⏰", "alarm time"], ["⏳", "waiting hourglass"], ["📍", "place pin"], ["🗺️", "map"], ["🏠", "house home"], ["🏢", "office building"], ["🚗", "car"], ["🚚", "delivery truck"],
  ["✈️", "plane travel"], ["🚆", "train"], ["🚲", "bike"], ["🅿️", "parking"], ["💳", "card pay"], ["💰", "money"], ["🧾", "receipt invoice"], ["🛒", "cart shop"],
  ["📦", "package parcel"], ["🔑", "key"], ["🔒", "lock"], ["🔧", "repair tool"], ["🛠️", "tools fix"], ["💡", "idea light"], ["🔍", "search"], ["🔗", "link"],
  ["☕", "coffee"], ["🍽️", "dinner restaurant"], ["🍕", "pizza"], ["🥂", "cheers toast"], ["🍎", "apple"], ["🌞", "sun weather"], ["🌧️", "rain weather"], ["❄️", "snow cold"],
  ["🌸", "flower"], ["🌱", "plant grow"], ["🐶", "dog"], ["🐱", "cat"], ["⬆️", "up"], ["⬇️", "down"], ["➡️", "right next"], ["⬅️", "left back"],
];

/**
 * Common English words that are one token each, with the space before them, in the vocabularies of GPT-2, GPT-4
 * (cl100k), GPT-4o and gpt-oss (o200k), Llama 2, Llama 3 and Qwen3. Each word, and random texts of them, were counted
 * with gpt-tokenizer 2, llama-tokenizer-js 1.2, llama3-tokenizer-js 1.2 and Qwen3's tokenizer.json; of other
 * vocabularies it is assumed.
 */
export const WORDS: readonly string[] = `
able about above accept across action after again against age agree air all allow almost along also
always among an and animal another answer any anything are area around art as ask asked at away back be
because before begin behind being believe below best better between beyond bird black blue body book
both bread break bring brother build business but buy by call came can car carry case center change
child choose city class clean close coffee cold color common company compare consider control cool cost
could country course create cut dance dark daughter day days death decide deep describe develop doctor
dog done door down draw dry during each early earth east easy empty end engine enough even evening every
everyone everything example expect explain eyes face fact fall family far fast father feel few field
film finish fire first fish floor follow food for force forget form found free fresh friend from full
game garden give given glass gold good government great green ground group grow had half hand hard have
he head hear heart heavy help her here high hill himself his history hold home hope horse hot house
however human husband idea if in include increase inside into is it its join just keep king know known
land language large last late later lead leader learn least leave left less letter level life light like
line listen little long look lose loud love machine made many market may measure meat meet member metal
might milk mind moon more morning most mother move much music must myself name national nature near need
never new next night no north not nothing number of off often old on once one only open order other our
out outside over own page paper part pay people perhaps person picture piece place plane play player
point poor possible power present problem produce protect provide public put queen question quiet quite
radio rain rather reach read reason red remember require result rich right rise river road roof room run
salt same save school sea second see seem sell send sentence set several shape share sharp ship short
should show side silver simple since sister sit size slow small snow so social soft soldier some someone
something sometimes son song sound south space speak speed spend stand start state stay still stone stop
story street strong student study such sugar suggest summer sun support sweet system table take taken
talk tall teach teacher tell than that the their them then there these they things think this those
thought three through time to today together told tool toward train tree true try turn turned twice two
under understand up use used value very voice walk wall want war warm was watch water way weak weight
well went were west wet what when where which white who whole wide wife win wind window winter with
within without wood word work worker world would write writer year years young your
`
  .trim()
  .split(/\s+/);

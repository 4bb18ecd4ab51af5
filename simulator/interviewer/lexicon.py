"""The ear's word lists: how words are brought to one form, and the turns of phrase that give an act away.

The phrases for single diagnostics are data of the vocabulary; here is only what holds for all of them. A pattern is
written as one alternative a line, a line that begins with `~ ` going on with the one before; `<look>` and `<gently>`
stand for the lists of that name.
"""

from __future__ import annotations

import re

from grader.events import Act


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _any(alternatives: str) -> re.Pattern[str]:
    lines = [line.strip() for line in alternatives.replace("\n    ~ ", "").strip().splitlines()]
    joined = "|".join(f"(?:{line})" for line in lines)
    return re.compile(joined.replace("<look>", _LOOK).replace("<gently>", _GENTLY))


# Words that carry nothing when a phrase is looked for.
SMALL_WORDS = _words(
    """a an the of for our your my their this that these those its it its' please exactly actually currently
    current is are was were be been being do does did has have had can could would will may we you i me us there
    just also any some fully quickly really here now to like"""
)

# One form for what people abbreviate, inflect or spell in two ways. A value may be two words.
FORMS = {
    "gradient": "grad", "gnorm": "grad norm", "gradnorm": "grad norm", "attn": "attention", "attentions": "attention",
    "act": "activation", "acts": "activation", "validation": "val", "valid": "val", "parameter": "param",
    "optimiser": "optimizer", "optim": "optimizer", "opt": "optimizer", "hyperparameter": "hparam",
    "hyperparam": "hparam", "configuration": "config", "cfg": "config", "conf": "config", "initialization": "init",
    "initialisation": "init", "initialized": "init", "normalisation": "normalization", "utilisation": "utilization",
    "utilised": "utilization", "utilized": "utilization",
    "util": "utilization", "utilisations": "utilization", "mem": "memory", "ckpt": "checkpoint", "ckpts": "checkpoint",
    "iteration": "step", "iter": "step", "iters": "step", "wd": "weight decay", "bs": "batch size",
    "bsz": "batch size", "layerwise": "per layer", "blockwise": "per layer", "each": "per", "every": "per", "by": "per",
    "individual": "per", "versus": "vs", "against": "vs", "training": "train", "losses": "loss", "batches": "batch",
    "float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "resid": "residual", "stacktrace": "stack trace",
    "bwd": "backward", "fwd": "forward", "dl": "dataloader", "lrs": "lr", "learningrate": "lr", "hist": "histogram",
    "stat": "statistic", "info": "information", "analyse": "analyze", "shuffling": "shuffle",
    "shuffled": "shuffle", "tok": "token", "mlps": "mlp", "neurone": "neuron", "memorise": "memorize",
    "entropies": "entropy", "overfitted": "overfit", "indices": "index",
    "scheduler": "schedule", "evals": "eval", "ent": "entropy", "nans": "nan", "infs": "inf", "loader": "dataloader",
}  # fmt: skip

# Pairs of words that are one word.
PAIRS = {("learning", "rate"): "lr", ("data", "dataloader"): "dataloader", ("warm", "up"): "warmup",
         ("over", "fit"): "overfit",
         ("check", "point"): "checkpoint", ("held", "out"): "heldout", ("layer", "wise"): "per layer",
         ("soft", "max"): "softmax"}  # fmt: skip

# Single words that are a mention only where nothing clearer stands beside them.
WEAK = _words(
    """model data error crash device tokens token labels label targets target samples sample settings setup
    environment machine scores score metric metrics weights weight log restart resume overlap examples confusion
    recall reward console speed disk storage ranks optimizer adam schedule validation val norm norms shapes
    shape prediction predictions train mask dropout decay"""
)

# Words that may stand in a message that only points back at what was shown.
POINTING = _words(
    """a about after again all alone alright also an and are around as at away back baseline before beginning beside
    between big block blocks both break broken but by can certain chart closer could crowded curve curves did do down
    drop each end enough entire even every everything exactly few figure first for form from full get give
    global go good graph hard have head heads healthy hm hmm how i i'd i'll i'm if in instead is it it's its job
    just known large last lay layer layers less let like look make many maybe me mean meant mistake more much my
    n narrow narrower near need next no not now number numbers of off oh ok okay on one one's ones only onwards
    or out over part particular per picture please plot plotted pls possible prefer put r range rank ranks
    rather raw read reference remove rest right run same see separately set show side since single small so
    sorry specific split start step steps stretch sure table take that that's the them then there these thing
    this those three till time times to together too top train training two u uh um under until up us val
    validation values w w/ wait want was we well what which whole wide wider window with with/ without would you
    your zoom zoomed"""
)

# Which acts come first when a message has several.
PRIORITY: tuple[Act, ...] = (
    "diagnosis", "fix", "verify", "hint", "request", "options", "concept", "meta", "fishing", "hypothesis", "unclear",
    "smalltalk",
)  # fmt: skip

PER_LAYER = _words(
    """grad_norm_by_layer param_norm update_ratio activations attention_logits attention_entropy attention_pattern
    dead_units spectral_norm optimizer_state nonfinite"""
)
# Shown as one curve over the whole model unless layers are asked for.
WHOLE_MODEL = _words("param_norm update_ratio")
PER_HEAD = _words("attention_logits attention_entropy attention_pattern dead_units")
PER_RANK = _words("loss grad_norm param_norm")
# What has no place in time, and what is of both splits by nature (or, like the losses, of one).
NO_STEPS = _words(
    """config precision hardware model_summary stack_trace checkpoint split_overlap preprocessing tokenizer_roundtrip
    check_causality check_determinism check_gradients check_init_loss check_kv_cache check_overfit_batch
    check_token_order rerun_fp32 rerun_longer_warmup rerun_lower_lr rerun_other_seed rerun_single_gpu"""
)
NO_SPLIT = _words("loss val_loss split_overlap data_order")

# Quick typing and speech, put the long way.
SPOKEN = {
    "pls": "please", "plz": "please", "lemme": "let me", "gimme": "give me", "wanna": "want to", "gonna": "going to",
    "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "isnt": "isn't", "arent": "aren't", "cant": "can't",
    "wont": "won't", "im": "i'm", "ive": "i've", "whats": "what's", "hows": "how's", "wheres": "where's",
    "lets": "let's",
    "thats": "that's", "theres": "there's", "its": "it's", "u": "you", "ur": "your", "bc": "because", "cuz": "because",
    "w": "with", "imo": "i think", "imho": "i think", "afaict": "i think", "dunno": "don't know",
    "prob": "probably", "probs": "probably", "def": "definitely", "shouldnt": "shouldn't", "wasnt": "wasn't",
    "couldnt": "couldn't", "wouldnt": "wouldn't", "youre": "you're", "gotta": "need to", "kinda": "rather",
}  # fmt: skip

# One head shared by two: "train and val loss" are two losses.
SHARED_HEADS = (
    (re.compile(r"\btrain(?:ing)? ?(?:and|/|vs\.?|versus|&|\+|,|or) ?(?:the )?(?:val|validation|eval) loss(?:es)?\b"),
     "train loss and val loss"),
    (re.compile(r"\b(?:val|validation|eval) ?(?:and|/|vs\.?|versus|&|\+|,|or) ?(?:the )?train(?:ing)? loss(?:es)?\b"),
     "val loss and train loss"),
    (re.compile(r"\b(?:un-?clipped|raw) (?:and|/|vs\.?|versus|&) (?:the )?clipped (?:grad\w*)(?: norms?)?"),
     "unclipped grad norm and clipped grad norm"),
    (re.compile(r"\bclipped (?:and|/|vs\.?|versus|&) (?:the )?un-?clipped (?:grad\w*)(?: norms?)?"),
     "clipped grad norm and unclipped grad norm"),
    (re.compile(r"\bgrad(?:ient)?s?(?: norms?)? (?:both )?(?:before and after|pre-? and post-?) ?clip(?:ping)?\b"),
     "unclipped grad norm and clipped grad norm"),
    (re.compile(r"\b(attention|attn) (entropy|entropies) (?:and|/|&) (logits|scores|pattern|map)\b"),
     r"attention \2 and attention \3"),
    (re.compile(r"\b(attention|attn) (logits|scores|pattern|map) (?:and|/|&) (entropy|entropies)\b"),
     r"attention \2 and attention \3"),
    (re.compile(r"\b(param(?:eter)?|weight) (?:and|/|&) (grad(?:ient)?) norms?\b"), r"\1 norm and \2 norm"),
    (re.compile(r"\b(grad(?:ient)?) (?:and|/|&) (param(?:eter)?|weight|activation) norms?\b"), r"\1 norm and \2 norm"),
)  # fmt: skip

_GENTLY = r"(?:(?:really|just|now|first|then|next|also|please|quickly|maybe|probably|only|still|at least) )*"
_LOOK = (
    r"(?:show|see|look at|look into|looking at|plot|view|display|print|dump|inspect|examine|pull up|bring up|get|give|"
    r"check|checking|request|read|visuali[sz]e|graph|draw|list|zoom|report|measure|monitor|compare|know|ask for|"
    r"ask about|take a look|have a look|go over|go through|walk me through|open|explain|find out|try|run|rerun|re-run|"
    r"repeat|hear about|share|provide|decode|sample|generate|overfit|test|perturb|overlay)"
)
_REPAIR = (
    r"fix|change|replace|add|remove|move|set|scale|divide|multiply|swap|use|call|put|insert|lower|reduce|"
    r"increase|decrease|"
    r"raise|enable|disable|turn|clip|shuffle|shift|zero|drop|delete|initiali[sz]e|switch|normali[sz]e|pass|"
    r"correct|rewrite|"
    r"revert|reset|undo"
)
_REPAIRED = (
    r"called|moved|divided|scaled|shifted|removed|added|set|placed|before|after|diagonal|inside|outside|passed|"
    r"computed|"
    r"reset|zeroed|shuffled|applied|built|constructed|replaced|clipped|masked|initiali[sz]ed|lowered|reduced|"
    r"tril|raised"
)


ASK = _any(r"""
    ^(?:(?:ok(?:ay)?|so|hmm+|well|alright|great|sure|and|now|then|next|first|hi|hello|thanks|good|cool|also|
    ~ please),? )*<gently><look>\b
    \b(?:can|could|may|might|would|will|can't|couldn't) (?:i|you|we) <gently><look>\b
    \b(?:i|we)(?:'d| would)? (?:want|like|love|need|have|wish|wanted) (?:to )?<gently>(?:<look>\b)?
    \b(?:i|we)(?:'d| would|'ll| will| should| could| can) <gently>(?:start (?:by|with) )?<look>\b
    \b(?:i|we)(?:'d| would) like\b
    ^(?:and |so |but |ok,? )?(?:can|could|will|would) (?:the|it|a|tokens?|positions?|this|any|other|earlier|later)\b
    \b(?:let's|let me|let us) <gently>(?:start (?:by|with) )?(?:<look>|start with|begin with|have|talk about)\b
    \b(?:curious|interested) (?:about|in|to see|what|how)\b
    \b(?:show|give|tell) (?:me|us)\b
    \b(?:i|we)'?(?:d| would)? wonder (?:what|how|where|which|when)\b
    ^(?:(?:ok(?:ay)?|so|hmm+|well|and|but|now|also|next|then),? )*(?:(?:in |at |from |on |for |by )?(?:what|how|
    ~ where|which|when|who))\b
    ^(?:(?:ok(?:ay)?|so|hmm+|well|and|but|now|also|next|then),? )*(?:what's|what're|how's|where's|did|does|do|
    ~ is|are|was|were|has|have|any)\b
    \b(?:why don't|why not|how about|what about|what do|what does|do (?:we|you) (?:have|log|know|see|use))\b
    \b(?:don't (?:we|you) (?:have|log)|worth (?:looking|checking)|next (?:i|step)|please)\b
""")
LOOKS = _any(r"""
    \b(?:i|we|me|us|you|worth|let's|should|like to|want to|please|maybe|perhaps) <gently><look>\b
    \bworth (?:looking|checking|plotting|seeing|a look)\b
""")

NEGATED = _any(r"""
    \b(?:don't|do not|didn't|doesn't|does not|won't|will not|not going to|no longer|wouldn't|needn't) (?:yet |
    ~ really |actually |even |necessarily )?(?:need|want|care|show|give|look|ask|require|worry|plot|bother|
    ~ include|think (?:i|we) (?:need|want))\w*\b
    \b(?:not interested in|no need (?:for|to)|not asking|leave out|except|apart from|
    ~ instead of|rather than|other than)\b
    (?:^|\blet's |\bplease |\bcan |\byou |\bi'll )(?:skip|(?:forget|ignore)(?= (?:about|the|that|it|my)))\b
    \b(?:never ?mind|without (?:the|any|looking|seeing)|i've (?:already )?seen|not yet)\b
    (?:^|,\s*|\bbut |\band |\brather )not (?:the |a |in |yet )?
""")
# "I can't tell without the norms" wants them.
LACKS = re.compile(
    r"\b(?:can't|cannot|can not|couldn't|hard|difficult|impossible|unable|useless|no use|little use|lost|blind)\b"
    r"[^.;]*\bwithout\b"
)
NEGATION_ENDS = re.compile(
    r",|;|\bbut\b|\bjust\b|\bonly\b|\binstead(?! of)\b|\bshow\b|\bgive\b|\bplot\b|\bplease\b|\blet's\b"
)

FISHING = _any(r"""
    \bwhat(?:'s| is| was| are)? (?:exactly |actually |really )?(?:the |your |this |that |our )?(?:bug|bugs|
    ~ answer|solution|root cause|cause|culprit|fix)\b
    \bwhat(?:'s| is| was)? (?:the )?(?:real|actual|underlying) (?:problem|issue)\b
    \bwhat(?:'s| is| went| goes| has gone)(?: going| gone)? wrong\b
    \bwhat(?:'s| is) (?:the )?(?:problem|issue|matter|broken)\b
    \bwhere(?:'s| is) (?:the )?(?:bug|error in the code|mistake|problem|issue)\b
    \bwhich line\b.{0,30}\b(?:bug|wrong|broken|culprit|buggy)
    \b(?:just |please )?(?:tell|give|show|say|reveal)(?: me| us)? (?:what(?:'s| is) wrong|what(?:'s|
    ~  is) the (?:bug|problem|issue|answer|cause))
    \b(?:just |please )?(?:tell|give|show|say|reveal)(?: me| us)? (?:the (?:answer|solution|bug|root cause|
    ~ cause|fix|diff|patch|buggy line)\b)
    \bjust tell me\b(?! (?:how much time|the time|what (?:i|the lr|the loss)|the (?:lr|loss|batch|learning)))
    \b(?:show|give|tell|send|see|want|dump|print|get|need)\b(?: me| us| you have)?(?: to see)? (?:everything|
    ~ it all|all of it)\b
    ^(?:everything|all of it|show all|all)(?: please| you have| you've got)?[.!?]?$
    \ball (?:of )?(?:the |your |of your |my )?(?:training |source |model )?(?:code|source|files|diagnostics|
    ~ metrics|plots|curves)\b
    \ball (?:of )?(?:the |your |of your |my )?(?:evidence|measurements|signals|information|info|data you have)\b
    \b(?:whole|entire|full|complete) (?:training )?(?:code(?:base)?|source(?: code)?|repo|thing|program|script|
    ~ project)\b
    \bi give up\b|\bspoil(?:er)?s?\b
    ^(?:so |and |but |ok,? )?why (?:is|are|does|did|do|was|were|would|has)\b(?!n't).*\?
    \bwhat do you think\b(?! (?:about|of) the (?:time|rules))
    \b(?:tell|let) me (?:know )?(?:if|whether) (?:i'm|i am|that's|this is) (?:right|correct)
    \bam i (?:right|correct|close|warm|on the right track|getting warm\w*)\b
    \b(?:is|was) (?:that|this|it) (?:right|correct|the (?:right )?answer)\b|\bgetting warm(?:er)?\b|
    ~ \bdid i (?:get|find) it\b
""")
HINT = _any(r"""
    \bhints?\b
    \bnudge\b
    \bclues?\b
    \bi(?:'m| am)(?: \w+)? (?:stuck|lost|out of ideas|clueless)\b
    \bpoint me\b
    \bno (?:more )?ideas?\b
    \bhelp me(?: out)?[.!?]*$
    \bi need (?:some )?help\b
    \bwhere (?:should|do|would) i (?:start|look|begin)\b
    \bwhat (?:should|would) i (?:be )?(?:look(?:ing)?(?: at)?|check|do|try|ask)(?: for)?(?: next| now| first)?[.?!]*$
    \bany (?:pointers|tips|suggestions|advice)\b
    ^stuck\b
    \bi don't know (?:what|where|how) to (?:look|do|start|go|proceed|ask|try|check)
""")
NO_HINT = re.compile(r"\b(?:no|without|not|don't|do not|never) (?:\w+ ){0,3}(?:hint|nudge|clue|pointer|tip)s?\b")
OPTIONS = _any(r"""
    \bwhat (?:else )?(?:can|could|may|am|should) i (?:\w+ )?(?:ask|see|request|look at|get|query|allowed|have access)
    \bwhat (?:do|have|else do) (?:you|we) (?:have|got|recorded?|log(?:ged)?|offer|measured?)(?: for me|
    ~  available| logged| recorded)?[.?!]*$
    \bwhat(?:'s| is| else is) (?:available|recorded|logged|there to see|on offer)\b
    \b(?:what|which) (?:diagnostics?|metrics|plots|signals|measurements|curves|checks|commands|information|info|
    ~ quantities|things|logs|artifacts|tools) (?:\w+ ){0,2}(?:have|available|there|can|could|may|recorded|logged|
    ~ exist|ask|request|see)\b
    \bwhat kinds? of \w+ (?:\w+ ){0,2}(?:have|available|there|can|could|may|recorded|logged|exist|ask|request|see)\b
    \bwhat can you (?:show|give|tell|offer)(?: me| us)?[.?!]*$
    \b(?:my|the) options\b
    ^(?:help|options|menu|commands|\?)[.!]*$
    \blist (?:of )?(?:the |all |all the )?(?:diagnostics|options|commands|metrics|available)\b
""")
META = _any(r"""
    \bhow (?:much|many) (?:more )?(?:time|minutes)\b
    \btime (?:left|remaining|check|do i have)\b
    \bhow long (?:do|have|is left|left|has it been|did)\b.*\b(?:i|we|left|interview|round|been)\b
    \bwhat time\b
    \bminutes left\b
    \bhow (?:am|are) (?:i|we) doing (?:on|for|with) time\b
    \b(?:repeat|restate|rephrase|say)\b(?! (?:with|the run|it with|the experiment)).{0,25}\b(?:again|that|this|
    ~ symptom|question|problem|task|setup|opening|please|last|statement)\b
    ^(?:repeat|again|pardon|come again|say again)[.?!]*$
    \bwhat(?:'s| was| were| is| are) the (?:symptoms?|question|task|goal|assignment|scenario|situation|
    ~ problem statement)\b
    \bremind me (?:of |what )?(?:the |was the )?(?:symptoms?|question|problem|set-?up|task|situation)\b
    \b(?:the|any|what) rules\b|^rules\b
    \bhow does (?:this|the interview|the round|it all) work\b
    \bhow (?:is|are|am|will|do) (?:this|it|i|you) (?:be )?(?:get )?(?:scored?|graded?|judged?|evaluated?|rate)\b
    \bwhat (?:am i|do i have|are we) (?:supposed |meant |expected )?to do\b
    \bwhat do you (?:want|expect) (?:from me|me to)\b
    \bcan (?:i|we) (?:pause|stop|quit|take a break|skip|take notes|use (?:a|my|google|the internet)|
    ~ have a (?:break|minute|moment))
    (?<!wall )\b(?:clock|timer)\b
""")
SMALLTALK = _words(
    """hi hello hey yo thanks thank you thx ty ok okay k cool great nice got it sure yes no yep yeah nope right
    alright good morning afternoon evening hmm hm mmm umm um uh let me think sec moment one a minute wait
    interesting makes sense ready let's start go sounds i see understood bye perfect awesome fine well so please
    very much that's that is this oh ah aha lol haha wow noted cheers there how are doing today nice to meet am
    fair enough point begin shall we for i'm it's"""
)

DIAGNOSIS = _any(r"""
    \b(?:the|your|our|a|this|that's the|main|actual|real) (?:\w+ )?(?:bug|problem|issue|root cause|cause|
    ~ culprit|fault|mistake|error|reason)(?: here| in the code| in this run| for this| of this| for the \w+|
    ~  of the \w+| with this run)? (?:is|are|was|must be|has to be|comes from|lies|seems|appears|looks)\b
    \broot cause\b
    \b(?:my|final|the|new|revised) (?:\w+ )?diagnosis\b|^diagnosis\b|\bi diagnose\b
    \bfinal answer\b
    \bmy (?:answer|conclusion|verdict|claim) is\b
    \bi(?:'m| am) (?:\w+ )?(?:confident|sure|certain|convinced|positive)\b
    \b(?:it|this|that|which)(?:'s| is| was| happens| happened)(?: all)? because\b
    \bbecause of the\b.*\b(?:bug|missing|wrong)\b
    \b(?:is|are|was|it's) (?:\w+ )?caused by\b
    \bi (?:conclude|claim)\b
    \bfound (?:it|the (?:bug|problem|issue|culprit))\b
    \bthe culprit\b
    \bmust be (?:the|that|a|because|due)\b
    \bit has to be\b
    ^(?:so |then |ok,? |clearly |well,? |and )*it's (?:the|a|an|due)\b
    \bthat explains\b
    \bdefinitely\b
    \b(?:bug|culprit|root cause|cause|diagnosis) ?[:=]
    \bthis is (?:a |an )(?:classic |typical |clear )?(?:case of )?\w+
""")
ASSERTED = _any(r"""
    \b(?:is|are|was|were|gets?|isn't|aren't|never|not) (?:never|not being|missing|wrong|broken|incorrect|
    ~ inverted|swapped|reversed|misplaced)\b
    \b(?:is|are|was|were|gets?) (?:being )?(?:applied|called|computed|done|added) (?:twice|before|after|
    ~ on the wrong)\b
    \b(?:never|not being|isn't|aren't|is not|are not) (?:called|reset|zeroed|cleared|divided|scaled|masked|
    ~ shuffled|shifted|updated)\b
    \b(?:never|not being|isn't|aren't|is not|are not) (?:applied|normali[sz]ed|passed|averaged|clipped|
    ~ initiali[sz]ed|unscaled)\b
    \bforg[eo]t(?:ten|s)?\b
    \boff[- ]by[- ]one\b
    \b(?:there is|there's|there are) no (?:zero|warm|scal|shuffl|mask|clip|divi|norm|unscale|rotary|position|call)
    \b(?:model|mask|attention|tokens?|each position) (?:can |could )?(?:sees?|attends? to|peeks?|leaks?|
    ~ looks? at|cheats?)\b.*\b(?:future|next|itself|target|answer)
    \b(?:uses?|has|with|using) (?:the )?(?:wrong|diagonal ?=)
    \binstead of\b
    \bmissing (?:zero_grad|zero grad|warmup|mask|call|division|scaling)
""")
HEDGED = re.compile(
    r"\b(?:maybe|perhaps|might|could|possibly|wonder|suspect\w*|not sure|unsure|guess|whether|hypothes\w+|what if|"
    r"potentially|can't tell|is it possible|may be|conceivabl[ey]|"
    r"(?:one|two|three|some|several) (?:ideas?|possibilit(?:y|ies)|options?|suspects)|"
    r"if the (?:bug|problem|issue|cause))\b"
)
HYPOTHESIS = _any(r"""
    \bi(?:'d| would| do)? (?:wonder|suspect|think|guess|believe|bet|assume|imagine|expect|feel|reckon|doubt|suppose)\b
    \bi'm (?:wondering|thinking|guessing|suspecting|leaning|inclined|worried)\b
    \b(?:maybe|perhaps|possibly|probably|likely|presumably|apparently|potentially|conceivably|could it be|
    ~ could be|might|may be|suspicio\w+|suspect\w*)\b
    \bhypothes[ie]s\b|\bhypothesi[sz]e\b
    \bmy (?:first |initial |current |working |best )?(?:guess|hunch|theory|idea|suspicion|thinking|intuition)\b
    \b(?:seems?|sounds?|smells?|feels?|looks) (?:like|as if|as though|to me|to be)\b
    \b(?:seems?|sounds?|smells?|feels?|looks?) (?:\w+ )?(?:odd|weird|strange|off|suspicious|wrong|healthy|fine|
    ~ normal|flat|stuck|bad|good|high|low|large|small)\b
    \b(?:what if|is it possible|it's possible|one possibility|one idea|either)\b
    \bcould (?:the|this|that|it|there|we be)\b
    \b(?:is|was) (?:it|this|that) (?:because|that|the|a|an|due|possible|just|maybe)\b
    \bif (?:it|this|the|that) (?:is|were|was)\b.*\b(?:then|i'd expect|would)\b
    \btoo (?:high|low|large|small|big|hot|aggressive|long|short|many|few|much|strong|weak|noisy|fast|slow)\b
    \b(?:rules?|ruled|ruling) (?:out|that out)\b
    \bconsistent with\b
    \bsuggests?\b
    \bpoints? (?:to|at|towards?)\b
    \bunlikely\b|\bdoesn't look like\b
""")
JUDGED = re.compile(
    r"\b(?:too (?:high|low|large|small|big|hot|long|short)|wrong|broken|buggy|correct|the (?:cause|culprit|problem|"
    r"issue|bug)|incorrect|to blame|responsible|missing)\b"
)
# One sentence that only says what one thinks of: "my suspects so far are ..., ... and ...".
SUSPECTS = re.compile(
    r"(?:so |ok |okay |well )?my (?:\w+ )?"
    r"(?:suspects?|suspicions?|guess(?:es)?|candidates?|theor(?:y|ies)|hypothes[ie]s)"
    r"(?: so far| now| here)? (?:is|are|was|were|would be|remains?)\b[^.?!;:]*[.!]?$"
)
VERIFY = _any(r"""
    \b(?:i|we)(?:'d| would|'ll| will| can| could| should)?(?: then| also)? (?:verify|confirm|validate|
    ~ double[- ]check|prevent)\b
    \bto (?:verify|confirm|validate|prevent)\b[^,]*,? (?:i|we)(?:'d| would|'ll| will| can| could|
    ~  should)? (?!like|want|need|have)
    \b(?:verify|verified|confirm|validate) (?:by|with|this by|it by|the fix|that the fix|my fix|that after)\b
    \b(?:verification|prevention|verify|to verify|to prevent|prevent) ?:
    \bafter (?:the|this|that|my) (?:fix|change)\b
    \bonce (?:it's )?fixed\b
    \badd (?:a|an|some)? ?(?:unit |regression |sanity |causality |ci )?(?:tests?|asserts?|assertions?|alerts?|
    ~ monitor\w*|checks?)\b
    \b(?:unit|regression) tests?\b
    \bwith the fix\b
    \bto make sure (?:it|this|that) (?:never|doesn't|does not|is fixed|works)\b
    \bprevent (?:it|this|that)\b
    \bguard against\b
""")
FIX = _any(
    r"""
    \bfix(?:es)?(?: here| for (?:this|that|it)| to this)?(?: is| would be| should be|:| =)
    ^(?:to|the|my|for the|as a|proposed|suggested) fix\b
    \b(?:i|we|you|they|one)(?:'d| would|'ll| will| should| could| need to| have to| must| can|
    ~  ought to)(?: then| just| simply| therefore)? (?:<repair>)\b(?! (?:a look|the plot))
    \bshould (?:be|have been|get) (?:<repaired>)\b
    \b(?:change|swap|replace) .{1,80} (?:to|with|by|for|into)\s
    \bshould (?:call|use|divide|zero|mask|shift|happen|come|go)\s
    ^(?:so |then |just |please )?(?:lower|reduce|decrease|increase|raise) .{1,60} (?:to|by) [\d.]
    \bneeds? to (?:be |call|use|divide|happen|come|go)
    ^(?:so |then |and |just |simply |please )?(?:add|move|remove|call|put|divide|replace|change|set|swap|insert|
    ~ delete|fix|shift|multiply|initiali[sz]e) (?!up\b)
    \bremedy\b
    \bsolution (?:is|would be)\b
""".replace("<repaired>", _REPAIRED).replace("<repair>", _REPAIR)
)

FIRM = re.compile(r"\bfix\b|\bshould\b|\b(?:i|we)(?:'d| would|'ll| will)\b|(?:to|by) [\d.]+e?-?\d*\b")

SETTING = re.compile(
    r"\b(?:set to|setting|enabled|turned on|turned off|switched on|in use|used|using|"
    r"(?:do|did|does) (?:you|we|they|it) (?:use|have|apply|clip)|"
    r"is (?:the )?\w+(?: \w+)? (?:on|off|used|enabled|active|applied)\b|is there|are there|what kind of|"
    r"which|how many)\b"
)
RERUN = re.compile(
    r"\b(?:re-?run|run|try|repeat|train|happens?|switch|launch|relaunch|what if|instead|same job|disable|turn off)\b"
)
CODE_WORD = _any(r"""
    \b(?:code|source code|source file|source$|implementation|implemented|implement|implements|snippet|function|
    ~ class|\w+\.py|lines of|script)\b
    \bhow (?:is|are|do you|do we|does it|did you|was|were) (?:the |your |our )?[\w\s-]{0,40}\b(?:computed|
    ~ calculated|built|applied|done|constructed|defined|created|set up|written|coded|made|called|handled)\b
    \bwhere (?:is|are|do you|do we|does) (?:the |your |our )?[\w\s().-]{0,40}\b(?:called|applied|computed|
    ~ defined|done|zeroed|zero|clip|call|set|built)\b
""")
TERMS = re.compile(
    r"^(?:(?:so|and|sorry|ok|okay|wait|hmm|hi|um|uh|but|quick question|first|also|by the way|btw|to be clear)[,:]? )*"
    r"(?:(?P<asks>what(?:'s| is| are| was)|what exactly (?:is|are))"
    r"|(?P<defines>define|explain(?: to me)?|what does|what do|remind me what|remind me of|remind me how|"
    r"can you (?:explain|define|tell me what)|could you (?:explain|define|tell me what)|tell me what|tell me about|"
    r"please (?:explain|define)|how does|how do|what (?:do you|is) mean(?:t)? by|meaning of|what's the meaning of|"
    r"what is the meaning of|what's the definition of|i don't know what|not sure what|what is meant by|definition of))"
    r" (?:exactly )?(?P<article>the |our |your |this |a |an )?(?:term |concept of |idea of )?(?P<term>.{1,60}?)"
    r"(?P<tail>(?:,? (?:mean|means|meant|is|are|do|does|work|works|again|exactly|stand for|stands for|in general|about|"
    r"actually|please|here|in this context|in general terms|for))*)[.?! ]*$"
)
_GOOD = r"(?:known[- ]good|last good|healthy|good|baseline|reference|normal|working|correct|control|sane)"
_BESIDE = (
    r"(?:compare[ds]?|comparison|comparing|vs\.?|versus|against|relative to|next to|beside|alongside|on top of|"
    r"along with|together with|overlay(?:ed|ing)?|overlaid|with|to|and|than|in|for|from|of)"
)
HEALTHY = re.compile(
    rf"\b(?:{_BESIDE} (?:(?:it|them|this|that|these) )?(?:(?:to|with|against|by|vs|on) )?)?"
    rf"(?:(?:the|a|our|your|its|some) )?{_GOOD}"
    r" (?:run|twin|one|baseline|job|training|version|reference|model|counterpart|curve|trajectory)s?"
    r"(?: (?:overlaid|overlayed|too|as well))?\b"
    rf"|\b{_BESIDE} (?:(?:it|them|this|that|these) )?(?:(?:to|with|against|by|vs|on) )?(?:(?:the|a|our|your) )?{_GOOD}"
    r"(?=[.?!, ]*$|,| overlaid| too| as well)"
    r"|\b(?:(?:the|a|our|your) )?baseline\b"
    rf"|\b(?:{_BESIDE} )?(?:the )?(?:run|one|job) that (?:worked|converged|(?:is|was) (?:healthy|fine)"
    r"|went (?:well|fine|right))\b"
)
COMPARES = re.compile(
    r"\b(?:compare[ds]?|comparison|comparing|vs\.?|versus|against|relative to|next to|beside|alongside|on top of|"
    r"overlay\w*|overlaid|with the (?:healthy|baseline|known|good|reference|normal|control)|(?:too|as well))\b"
    r"|^(?:with|and) "
)
SAME = re.compile(
    r"\b(?:same|that|those|this|it|them|again|zoom(?:ed)?(?: in)?|what about|how about|now|and|also|but|narrow|just|"
    r"only|instead)\b"
)


POINTS_BACK = re.compile(r"\b(?:both|it|that|those|these|them|this|all three|all of them|either)\b")
POINTS_AT_ONE = re.compile(r"\b(?:it|that|this)\b(?!.*\b(?:both|those|these|them|all)\b)")
# A sentence with a verb in the middle tells something.
STATES = re.compile(
    r"^\W*\w.* (?:is|are|was|were|isn't|aren't|has|goes|looks|stays|grows|drops|spikes|should|would|doesn't|does not)\b"
    r"|^\W*\w.* (?:don't|won't|can't|cannot|will|because|overflows?|explodes?|vanish\w*|saturates?|collapses|"
    r"increases?|"
    r"hides?|decreases?|helps?|makes?|means?|becomes?|gets?|got|went|grew|jumped|spiked|dropped|rose|fell|needs?|uses?|"
    r"adds?)\b"
    r"|^it's "
)


def cue_words() -> frozenset[str]:
    """The words that the patterns look for: no spelling correction may touch them."""
    patterns = (
        ASK, LOOKS, NEGATED, FISHING, HINT, OPTIONS, META, DIAGNOSIS, ASSERTED, HEDGED, HYPOTHESIS, JUDGED, VERIFY, FIX,
        SETTING, RERUN, CODE_WORD, TERMS, HEALTHY, COMPARES, SAME,
    )  # fmt: skip
    return frozenset(word for pattern in patterns for word in re.findall(r"[a-z]{4,}", pattern.pattern)) | SMALLTALK

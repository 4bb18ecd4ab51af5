"""The ear's word lists: how words are brought to one form, and the turns of phrase that give an act away.

The phrases for single diagnostics are data of the vocabulary; here is only what holds for all of them.
"""

from __future__ import annotations

import re

# Words that carry nothing when a phrase is looked for.
SMALL_WORDS = frozenset(
    """a an the of for our your my their this that these those its it its' please exactly actually currently current is are
    was were be been being do does did has have had can could would will may we you i me us there just also any some
    quickly really here now to like""".split()
)

# One form for what people abbreviate, inflect or spell in two ways. A value may be two words.
FORMS = {
    "gradient": "grad", "gnorm": "grad norm", "gradnorm": "grad norm", "attn": "attention", "attentions": "attention",
    "act": "activation", "acts": "activation", "validation": "val", "valid": "val", "parameter": "param", "prm": "param",
    "optimiser": "optimizer", "optim": "optimizer", "opt": "optimizer", "hyperparameter": "hparam",
    "hyperparam": "hparam", "configuration": "config", "cfg": "config", "conf": "config", "initialization": "init",
    "initialisation": "init", "initialized": "init", "normalisation": "normalization", "utilisation": "utilization",
    "util": "utilization", "utilisations": "utilization", "mem": "memory", "ckpt": "checkpoint", "ckpts": "checkpoint",
    "iteration": "step", "iter": "step", "iters": "step", "wd": "weight decay", "bs": "batch size",
    "bsz": "batch size", "layerwise": "per layer", "blockwise": "per layer", "each": "per", "every": "per", "by": "per",
    "individual": "per", "versus": "vs", "against": "vs", "training": "train", "losses": "loss", "batches": "batch",
    "float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "resid": "residual", "stacktrace": "stack trace",
    "bwd": "backward", "fwd": "forward", "dl": "dataloader", "lrs": "lr", "learningrate": "lr", "hist": "histogram",
    "stat": "statistic", "info": "information", "spike": "spike", "analyse": "analyze", "shuffling": "shuffle",
    "shuffled": "shuffle", "tok": "token", "mlps": "mlp", "neurone": "neuron", "memorise": "memorize",
    "entropies": "entropy", "overfitted": "overfit", "magnitude": "magnitude", "indices": "index", "val_loss": "val loss",
    "scheduler": "schedule", "evals": "eval", "ent": "entropy", "nans": "nan", "infs": "inf", "loader": "dataloader",
}  # fmt: skip

# Pairs of words that are one word.
PAIRS = {("learning", "rate"): "lr", ("data", "loader"): "dataloader", ("warm", "up"): "warmup", ("over", "fit"): "overfit",
         ("check", "point"): "checkpoint", ("held", "out"): "heldout", ("layer", "wise"): "per layer",
         ("soft", "max"): "softmax"}  # fmt: skip

# Single words that are a mention only where nothing clearer stands beside them.
WEAK = frozenset(
    """model data error crash device tokens token labels label targets target samples sample settings setup environment
    machine scores score metric metrics weights weight log restart resume overlap examples confusion recall reward
    console speed disk storage ranks optimizer adam schedule validation val norm norms shapes shape prediction
    predictions train mask dropout decay""".split()
)

# Which acts come first when a message has several.
PRIORITY = (
    "diagnosis", "fix", "verify", "hint", "request", "options", "concept", "meta", "fishing", "hypothesis", "unclear",
    "smalltalk",
)  # fmt: skip

PER_LAYER = frozenset(
    """grad_norm_by_layer param_norm update_ratio activations attention_logits attention_entropy attention_pattern
    dead_units spectral_norm optimizer_state nonfinite""".split()
)
PER_HEAD = frozenset("attention_logits attention_entropy attention_pattern dead_units".split())
PER_RANK = frozenset("loss grad_norm param_norm".split())


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{alternative})" for alternative in alternatives))


_GENTLY = r"(?:really |just |now |first |then |next |also |please |quickly |maybe |probably |only )*"
_LOOK = (
    r"(?:show|see|look at|look into|looking at|plot|view|display|print|dump|inspect|examine|pull up|bring up|get|give|"
    r"check|checking|request|read|visuali[sz]e|graph|draw|list|zoom|report|measure|monitor|compare|know|ask for|ask about|"
    r"take a look|have a look|go over|go through|walk me through|open|find out|try|run|rerun|re-run|repeat|"
    r"hear about|share|provide|decode|sample|generate|overfit|test|perturb|overlay)"
)

ASK = _any(
    rf"^(?:ok(?:ay)?,? |so,? |hmm+,? |well,? |alright,? |great,? |sure,? |and |now |then |next,? |first,? |hi,? |hello,? "
    rf"|thanks,? |good,? |cool,? |also,? |please )*{_GENTLY}{_LOOK}\b",
    rf"\b(?:can|could|may|might|would|will) (?:i|you|we) {_GENTLY}{_LOOK}\b",
    rf"\b(?:i|we)(?:'d| would)? (?:want|like|love|need|have|wish|wanted|wanna) (?:to )?{_GENTLY}(?:{_LOOK}\b)?",
    rf"\b(?:i|we)(?:'d| would|'ll| will| should| could| can) {_GENTLY}(?:start (?:by|with) )?{_LOOK}\b",
    r"\b(?:i|we)(?:'d| would) like\b",
    rf"\b(?:let'?s|lets|let me|let us) {_GENTLY}(?:start (?:by|with) )?(?:{_LOOK}|start with|begin with|have|talk about)\b",
    r"\b(?:curious|interested) (?:about|in|to see|what|how)\b",
    r"\b(?:show|give|tell) (?:me|us)\b",
    r"\b(?:i|we)'?(?:d| would)? wonder (?:what|how|where|which|when)\b",
    r"^(?:ok(?:ay)?,? |so,? |hmm+,? |well,? |and |but |now |also,? |next,? )*"
    r"(?:what|whats|what's|what're|how|how's|where|where's|which|when|who|did|does|do|is|are|was|were|has|have|any)\b",
    r"\b(?:why don'?t|why not|how about|what about|what do|what does|do (?:we|you) (?:have|log|know|see|use)|"
    r"don'?t (?:we|you) (?:have|log)|worth (?:looking|checking)|next (?:i|step)|please)\b",
    r"\bwith\b.*\?$",
)
LOOKS = re.compile(rf"\b(?:(?:i|we|me|us|you|worth|let'?s|should|like to|want to|please|maybe|perhaps) {_GENTLY}{_LOOK}"
                   r"|worth (?:looking|checking|plotting|seeing))\b")  # fmt: skip

NEGATED = re.compile(
    r"\b(?:(?:don'?t|do not|didn'?t|doesn'?t|does not|won'?t|will not|not going to|no longer|wouldn'?t|needn'?t) "
    r"(?:yet |really |actually |even |necessarily )?(?:need|want|care|show|give|look|ask|require|worry|plot|bother|include|"
    r"think (?:i|we) (?:need|want))\w*"
    r"|not interested in|no need (?:for|to)|not asking|skip|forget|ignore|leave out|except|apart from|instead of|"
    r"rather than|other than|never ?mind|without (?:the|any|looking|seeing)|i'?ve (?:already )?seen|not yet|"
    r"(?:,|^|but |and )not (?:the |a |in )?)(?![a-z])"
)
NEGATION_ENDS = re.compile(
    r",|;|\bbut\b|\bjust\b|\bonly\b|\binstead(?! of)\b|\bshow\b|\bgive\b|\bplot\b|\bplease\b|\blet'?s\b"
)

FISHING = _any(
    r"\bwhat(?:'s|s| is| was| are)? (?:exactly |actually |really )?(?:the |your |this |that |our )?"
    r"(?:bug|bugs|answer|solution|root cause|cause|culprit|fix|real problem|actual problem)\b(?! (?:of|in) the log)",
    r"\bwhat(?:'s|s| is| went| goes| has gone)(?: going| gone)? wrong\b",
    r"\bwhat(?:'s|s| is) (?:the )?(?:problem|issue|matter|broken)\b",
    r"\bwhere(?:'s|s| is) (?:the )?(?:bug|error in the code|mistake|problem|issue)\b",
    r"\bwhich line\b.{0,30}\b(?:bug|wrong|broken|culprit|buggy)",
    r"\b(?:just |please )?(?:tell|give|show|say|reveal)(?: me| us)? (?:what(?:'s| is) wrong|the (?:answer|solution|bug|root cause|"
    r"cause|fix|diff|patch|buggy line)|what(?:'s| is) the (?:bug|problem|issue|answer|cause))",
    r"\bjust tell me\b(?! (?:how much time|the time|what (?:i|the lr|the loss)|the (?:lr|loss|batch|learning)))",
    r"\b(?:show|give|tell|send|see|want|dump|print|get|need)\b(?: me| us| you have)?(?: to see)? (?:everything|it all|all of it)\b",
    r"^(?:everything|all of it|show all|all)(?: please| you have)?[.!?]?$",
    r"\ball (?:of )?(?:the |your |of your |my )?(?:training |source |model )?(?:code|source|files|diagnostics|metrics|plots|curves|"
    r"evidence|measurements|signals|information|info|data you have)\b",
    r"\b(?:whole|entire|full|complete) (?:training )?(?:code(?:base)?|source(?: code)?|repo|thing|program|script|project)\b",
    r"\bi give up\b|\bspoil(?:er)?s?\b|\bam i (?:right|correct|close|warm|on the right track|getting warm\w*)\b|"
    r"\b(?:is|was) (?:that|this|it) (?:right|correct|the (?:right )?answer)\b|\bgetting warm(?:er)?\b|\bdid i (?:get|find) it\b",
)
HINT = _any(
    r"\bhints?\b", r"\bnudge\b", r"\bclues?\b", r"\bi(?:'?m| am)(?: \w+)? (?:stuck|lost|out of ideas|clueless)\b",
    r"\bpoint me\b", r"\bno (?:more )?ideas?\b", r"\bhelp me(?: out)?[.!?]*$", r"\bi need help\b",
    r"\bwhere (?:should|do|would) i (?:start|look|begin)\b",
    r"\bwhat (?:should|would) i (?:be )?(?:look(?:ing)?(?: at)?|check|do|try|ask)(?: for)?(?: next| now| first)?[.?!]*$",
    r"\bany (?:pointers|tips|suggestions|advice)\b", r"^stuck\b", r"\bi don'?t know (?:what|where|how) to (?:look|do|start|go|proceed)",
)  # fmt: skip
NO_HINT = re.compile(r"\b(?:no|without|not|don'?t|do not|never) (?:\w+ ){0,3}(?:hint|nudge|clue|pointer|tip)s?\b")
OPTIONS = _any(
    r"\bwhat (?:else )?(?:can|could|may|am|should) i (?:\w+ )?(?:ask|see|request|look at|get|query|allowed|have access)",
    r"\bwhat (?:do|have|else do) (?:you|we) (?:have|got|recorded?|log(?:ged)?|offer|measured?)(?: for me| available| logged| recorded)?[.?!]*$",
    r"\bwhat(?:'s|s| is| else is) (?:available|recorded|logged|there to see|on offer)\b",
    r"\b(?:what|which) (?:diagnostics?|metrics|plots|signals|measurements|curves|checks|commands|information|info|quantities|"
    r"things|logs|artifacts|tools|kinds? of \w+) (?:\w+ )?(?:\w+ )?(?:have|available|there|can|could|may|recorded|logged|exist|"
    r"ask|request|see)\b",
    r"\b(?:my|the) options\b", r"^(?:help|options|menu|commands|\?+)[.!?]*$",
    r"\blist (?:of )?(?:the |all |all the )?(?:diagnostics|options|commands|metrics|available)\b",
)  # fmt: skip
META = _any(
    r"\bhow (?:much|many) (?:more )?(?:time|minutes)\b", r"\btime (?:left|remaining|check|do i have)\b",
    r"\bhow long (?:do|have|is left|left|has it been|did)\b.*\b(?:i|we|left|interview|round|been)\b",
    r"\bwhat time\b", r"\bminutes left\b", r"\bhow (?:am|are) (?:i|we) doing (?:on|for|with) time\b",
    r"\b(?:repeat|restate|rephrase|say)\b(?! (?:with|the run|it with|the experiment)).{0,25}\b(?:again|that|this|symptom|question|problem|"
    r"task|setup|opening|please|last|statement)\b", r"^(?:repeat|again|pardon|come again|say again)[.?!]*$",
    r"\bwhat (?:was|were|is|are) the (?:symptoms?|question|task|goal|assignment|scenario|situation|problem statement)\b",
    r"\bwhat's the (?:symptom|question|task|goal|assignment|scenario|situation|problem statement)\b",
    r"\bremind me (?:of |what )?(?:the |was the )?(?:symptoms?|question|problem|set-?up|task|situation)\b",
    r"\brules\b", r"\bhow does (?:this|the interview|the round|it all) work\b",
    r"\bhow (?:is|are|am|will|do) (?:this|it|i|you) (?:be )?(?:get )?(?:scored?|graded?|judged?|evaluated?|rate)\b",
    r"\bwhat (?:am i|do i have|are we) (?:supposed |meant |expected )?to do\b", r"\bwhat do you (?:want|expect) (?:from me|me to)\b",
    r"\bcan (?:i|we) (?:pause|stop|quit|take a break|skip|take notes|use (?:a|my|google|the internet)|have a (?:break|minute|moment))",
    r"\b(?:clock|timer)\b",
)  # fmt: skip
SMALLTALK = frozenset(
    """hi hello hey yo thanks thank you thx ty ok okay k cool great nice got it sure yes no yep yeah nope right alright good
    morning afternoon evening hmm hm mmm umm um uh let me think sec second moment one a minute wait interesting makes sense
    ready lets let's start go sounds i see understood bye perfect awesome fine well so please very much much that's that
    is this oh ah aha lol haha wow noted cheers there how are doing today nice to meet am ready fair enough point begin
    shall we for""".split()
)

DIAGNOSIS = _any(
    r"\b(?:the|your|our|a|this|that's the|main|actual|real) (?:\w+ )?(?:bug|problem|issue|root cause|cause|culprit|fault|mistake|error|"
    r"reason)(?: here| in the code| in this run| for this| of this| for the \w+| of the \w+| with this run)? "
    r"(?:is|are|was|must be|has to be|comes from|lies|seems|appears|looks)\b",
    r"\broot cause\b(?!.*\?)", r"\bdiagnos(?:is|e)\b", r"\bfinal answer\b", r"\bmy (?:answer|conclusion|verdict|claim) is\b",
    r"\bi(?:'?m| am) (?:\w+ )?(?:confident|sure|certain|convinced|positive)\b",
    r"\b(?:it|this|that|which)(?:'s| is| was| happens| happened)(?: all)? because\b", r"\bbecause of the\b.*\b(?:bug|missing|wrong)\b",
    r"\b(?:is|are|was|it's) (?:\w+ )?caused by\b", r"\bi (?:conclude|claim|diagnose)\b", r"\bfound (?:it|the (?:bug|problem|issue|culprit))\b",
    r"\bthe culprit\b", r"\bmust be (?:the|that|a|because|due)\b", r"\bit has to be\b", r"\bthat explains\b", r"\bdefinitely\b",
    r"\b(?:bug|culprit|root cause|cause|diagnosis) ?[:=]",
    r"\bthis is (?:a |an )(?:classic |typical |clear )?(?:case of )?\w+",
)  # fmt: skip
ASSERTED = _any(
    r"\b(?:is|are|was|were|gets?|isn'?t|aren'?t|never|not) (?:never|not being|missing|wrong|broken|incorrect|inverted|swapped|"
    r"reversed|misplaced|being (?:applied|called|added) (?:twice|before|after)|called after|applied after|applied before)\b",
    r"\b(?:never|not being|isn'?t|aren'?t|is not|are not) (?:called|reset|zeroed|cleared|divided|scaled|masked|shuffled|shifted|updated|"
    r"applied|normali[sz]ed|passed|averaged|clipped|initiali[sz]ed|unscaled)\b",
    r"\bforg[eo]t(?:ten|s)?\b", r"\boff[- ]by[- ]one\b", r"\b(?:there is|there's|there are) no (?:zero|warm|scal|shuffl|mask|clip|divi|norm"
    r"|unscale|rotary|position|call)",
    r"\bthe (?:model|mask|attention|tokens?|each position) (?:can |could )?(?:sees?|attends? to|peeks?|leaks?|looks? at|cheats?)\b.*\b(?:future|next|itself|"
    r"target|answer)", r"\b(?:is|are) (?:applied|called|computed|done) (?:twice|before the|after the|on the wrong)\b",
    r"\b(?:uses?|has|with|using) (?:the )?(?:wrong|diagonal ?=)", r"\binstead of\b", r"\bmissing (?:zero_grad|warmup|mask|call|division|scaling)",
)  # fmt: skip
HEDGED = re.compile(
    r"\b(?:maybe|perhaps|might|could|possibly|wonder|suspect\w*|not sure|unsure|guess|whether|hypothes\w+|what if|potentially|"
    r"can'?t tell|is it possible|may be|conceivabl[ey]|one (?:idea|possibility|option)|if the (?:bug|problem|issue|cause))\b"
)
HYPOTHESIS = _any(
    r"\bi(?:'?d| would| do)? (?:wonder|suspect|think|guess|believe|bet|assume|imagine|expect|feel|reckon|doubt|suppose)\b",
    r"\bi'?m (?:wondering|thinking|guessing|suspecting|leaning|inclined|worried)\b",
    r"\b(?:maybe|perhaps|possibly|probably|likely|presumably|apparently|potentially|conceivably|could it be|could be|"
    r"might|may be|suspicio\w+|suspect\w*)\b",
    r"\bhypothes[ie]s\b|\bhypothesi[sz]e\b", r"\bmy (?:first |initial |current |working |best )?(?:guess|hunch|theory|idea|suspicion|thinking|intuition)\b",
    r"\b(?:seems?|sounds?|smells?|feels?|looks?) (?:like|as if|as though|to me|to be|odd|weird|strange|off|suspicious|wrong|healthy|fine|normal|flat|stuck)\b",
    r"\b(?:what if|is it possible|it'?s possible|one possibility|one idea|either)\b", r"\bcould (?:the|this|that|it|there|we be)\b",
    r"\b(?:is|was) (?:it|this|that) (?:because|that|the|a|an|due|possible|just|maybe)\b", r"\bif (?:it|this|the|that) (?:is|were|was)\b.*\b(?:then|i'?d expect|would)\b",
    r"\btoo (?:high|low|large|small|big|hot|aggressive|long|short|many|few|much|strong|weak|noisy|fast|slow)\b",
    r"\b(?:rules?|ruled|ruling) (?:out|that out)\b", r"\bconsistent with\b", r"\bsuggests?\b", r"\bpoints? (?:to|at|towards?)\b",
    r"\bunlikely\b|\bdoesn'?t look like\b",
)  # fmt: skip
JUDGED = re.compile(
    r"\b(?:too (?:high|low|large|small|big|hot|long|short)|wrong|broken|buggy|correct|the (?:cause|culprit|problem|issue|bug)|"
    r"incorrect|to blame|responsible|missing)\b"
)
VERIFY = _any(
    r"\b(?:i|we)(?:'d| would|'ll| will| can| could| should)?(?: then| also)? (?:verify|confirm|validate|double[- ]check|prevent)\b",
    r"\bto (?:verify|confirm|validate|prevent)\b[^,]*,? (?:i|we)(?:'d| would|'ll| will| can| could| should)? "
    r"(?!like|want|need|see|have|look)",
    r"\b(?:verify|verified|confirm|validate) (?:by|with|this by|it by|the fix|that the fix|my fix|that after)\b",
    r"\b(?:verification|prevention|verify|to verify|to prevent|prevent) ?:", r"\bafter (?:the|this|that|my) (?:fix|change)\b", r"\bonce (?:it'?s )?fixed\b",
    r"\badd (?:a|an|some)? ?(?:unit |regression |sanity |causality |ci )?(?:tests?|asserts?|assertions?|alerts?|monitor\w*|checks?)\b",
    r"\b(?:unit|regression) tests?\b", r"\bwith the fix\b", r"\bto make sure (?:it|this|that) (?:never|doesn'?t|does not|is fixed|works)\b",
    r"\bprevent (?:it|this|that)\b", r"\bguard against\b",
)  # fmt: skip
FIX = _any(
    r"\bfix(?:es)?(?: here| for (?:this|that|it)| to this)?(?: is| would be| should be|:| =)", r"^(?:to|the|my|for the|as a|proposed|suggested) fix\b",
    r"\b(?:i|we|you|they|one)(?:'d| would|'ll| will| should| could| need to| have to| must| can| ought to)(?: then| just| simply| therefore)? "
    r"(?:fix|change|replace|add|remove|move|set|scale|divide|multiply|swap|use|call|put|insert|lower|reduce|increase|decrease|raise|enable|"
    r"disable|turn|clip|shuffle|shift|zero|drop|delete|initiali[sz]e|switch|normali[sz]e|pass|correct|rewrite|revert|reset|undo)\b(?! (?:a look|the plot))",
    r"\bshould (?:be|have been|get) (?:called|moved|divided|scaled|shifted|removed|added|set|placed|before|after|diagonal|inside|outside|"
    r"passed|computed|reset|zeroed|shuffled|applied|built|constructed|replaced|clipped|masked|initiali[sz]ed|lowered|reduced|tril|raised)\b",
    r"\b(?:change|swap|replace) .{1,80} (?:to|with|by|for|into) ", r"\bneeds? to (?:be |call|use|divide|happen|come|go)",
    r"^(?:so |then |and |just |simply |please )?(?:add|move|remove|call|put|divide|replace|change|set|swap|insert|delete|fix|shift|multiply|"
    r"initiali[sz]e) (?!up\b)", r"\bremedy\b", r"\bsolution (?:is|would be)\b",
)  # fmt: skip

SETTING = re.compile(
    r"\b(?:set to|setting|enabled|turned on|turned off|switched on|in use|used|using|(?:do|did|does) (?:you|we|they|it) (?:use|have|apply|clip)|"
    r"is (?:the )?\w+(?: \w+)? (?:on|off|used|enabled|active|applied)\b|is there (?:a |an |any )?|are there|what kind of|which|how many)\b"
)
RERUN = re.compile(
    r"\b(?:re-?run|run|try|repeat|train|happens?|switch|launch|relaunch|what if|instead|same job|disable|turn off)\b"
)
CODE_WORD = re.compile(
    r"\b(?:code|source|implementation|implemented|implement|implements|snippet|def|function|class|\w+\.py|lines of|script)\b"
    r"|\bhow (?:is|are|do you|do we|does it|did you|was|were) (?:the |your |our )?[\w\s-]{0,40}\b(?:computed|calculated|built|applied|done|"
    r"constructed|defined|created|set up|written|coded|made|called|handled)\b"
    r"|\bwhere (?:is|are|do you|do we|does) (?:the |your |our )?[\w\s().-]{0,40}\b(?:called|applied|computed|defined|done|zeroed|zero|clip|call|set|built)\b"
)
TERMS = re.compile(
    r"^(?:(?:so|and|sorry|ok|okay|wait|hmm|hi|um|uh|but|quick question|first|also|by the way|btw|just to be clear)[,:]? )*"
    r"(?:(?P<asks>what(?:'s| is| are|s| was)|what exactly (?:is|are))|(?P<defines>define|explain(?: to me)?|what does|what do|"
    r"remind me what|remind me of|remind me how|can you (?:explain|define|tell me what)|could you (?:explain|define|tell me what)|"
    r"tell me what|tell me about|please (?:explain|define)|how does|how do|what (?:do you|is) mean(?:t)? by|meaning of|what's the meaning of|"
    r"what is the meaning of|what's the definition of|i don'?t know what|not sure what|what is meant by|the definition of))"
    r" (?:exactly )?(?P<article>the |our |your |this |a |an )?(?:term |concept of |idea of )?(?P<term>.{1,60}?)"
    r"(?P<tail>(?:,? (?:mean|means|meant|is|are|do|does|work|works|again|exactly|stand for|stands for|in general|about|actually|please|here|"
    r"in this context|in general terms|for))*)[.?! ]*$"
)
HEALTHY = re.compile(
    r"\b(?:(?:compare[ds]?|comparison|comparing|vs\.?|versus|against|relative to|next to|beside|alongside|on top of|along with|together with|"
    r"overlay(?:ed|ing)?|overlaid|with|to|and|than|in|for|from|of) (?:it |them |this |that |these )?(?:to |with |against |by |vs |on )?)?"
    r"(?:the |a |our |your |its |some )?(?:known[- ]good|healthy|good|baseline|reference|normal|working|correct|control|sane)"
    r"(?: (?:run|twin|one|baseline|job|training|version|reference|model|counterpart|curve|trajectory)s?)?(?: (?:overlaid|overlayed|too|as well))?\b"
)
COMPARES = re.compile(
    r"\b(?:compare[ds]?|comparison|comparing|vs\.?|versus|against|relative to|next to|beside|alongside|on top of|overlay\w*|overlaid|"
    r"with the (?:healthy|baseline|known|good|reference|normal|control)|(?:too|as well))\b|^(?:with|and) "
)
SAME = re.compile(
    r"\b(?:same|that|those|this|it|them|again|zoom(?:ed)?(?: in)?|what about|how about|now|and|also|but|narrow|just|only|instead)\b"
)

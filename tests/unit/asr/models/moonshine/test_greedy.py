"""Greedy decoding with drafts, prefixes and expected terms, on a decoder with random probabilities."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scripted_decoder import WORDS, runtime, scores, span
from vivavoce.asr.models.guards import cut_loop
from vivavoce.asr.models.moonshine.greedy import Job
from vivavoce.asr.models.moonshine.runtime import RunningJobs
from vivavoce.asr.models.moonshine.sizes import END
from vivavoce.asr.models.terms import Fate, Strength, TermBias

LIMIT = 14
words = st.sampled_from(WORDS)
terms = st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=6)
drafts = st.lists(words, max_size=10).map(tuple)
numbers = st.integers(0, 10_000)
strengths = st.sampled_from([Strength(0.5, 1), Strength(2, 3), Strength(4, 9)])


def job(number, bias=None, **more):
    return Job(span(number), LIMIT, bias=bias, **more)


def decode(*jobs, decoder=None):
    running = RunningJobs((decoder or runtime()[0]).decoder)
    keys, found = [running.add(each) for each in jobs], {}
    while len(running):
        found.update(running.step())
    return [found[key] for key in keys]


def step_by_step(number, bias, prefix=()):
    """The same result by brute force: no batches, no cache, no drafts."""
    tokens, refused, begun_at = [], {}, None
    while True:
        place = len(tokens)
        logs = scores(number, tokens)
        own = int(np.argmax(logs))
        token = own
        if place < len(prefix):
            token = prefix[place]
        elif begun_at is not None or len(refused.get(place, ())) < 2:
            bonus = dict.fromkeys(bias.first, bias.strength.first)
            bonus |= dict.fromkeys(bias.continuing(tokens), bias.strength.later)
            favoured = {it: logs[it] + np.float32(bonus.get(it, 0)) for it in range(len(logs))}
            for it in refused.get(place, ()):
                favoured[it] = -np.inf
            token = max(favoured, key=favoured.get)
        is_over = place == LIMIT or token == END
        if not is_over:
            tokens.append(token)
            if begun_at is None and token != own and place >= len(prefix):
                begun_at = place
        if begun_at is not None:
            fate = bias.fate(tokens, begun_at)
            if fate is Fate.FAILED or (is_over and fate is Fate.OPEN):
                refused.setdefault(begun_at, set()).add(tokens[begun_at])
                del tokens[begun_at:]
                begun_at, is_over = None, False
                continue
            if fate is Fate.COMPLETE:
                begun_at = None
        if is_over:
            return tokens
        loop = cut_loop(tokens)
        if loop is not None and place >= len(prefix):
            return tokens[: max(loop, len(prefix))]


@settings(deadline=None, max_examples=60)
@given(numbers, terms, strengths)
def test_terms_are_begun_where_they_may_be_and_taken_back_where_they_fail(number, spellings, strength):
    bias = TermBias(spellings, strength)
    (found,) = decode(job(number, bias))
    assert found.tokens == step_by_step(number, bias)


@settings(deadline=None, max_examples=60)
@given(numbers, terms, strengths)
def test_a_token_against_the_models_choice_belongs_to_a_complete_term(number, spellings, strength):
    bias = TermBias(spellings, strength)
    (found,) = decode(job(number, bias))
    tokens = found.tokens
    place = 0
    while place < len(tokens):
        if tokens[place] != int(np.argmax(scores(number, tokens[:place]))):
            ends = [
                start + len(spelling)
                for spelling in spellings
                for start in range(len(tokens))
                if tokens[start : start + len(spelling)] == spelling
            ]
            assert any(end > place for end in ends)
        place += 1


@settings(deadline=None, max_examples=60)
@given(numbers, terms, strengths, drafts, st.booleans())
def test_a_draft_does_not_change_the_result(number, spellings, strength, draft, exact):
    bias = TermBias(spellings, strength)
    (alone,) = decode(job(number, bias))
    (found,) = decode(job(number, bias, draft=draft, exact=exact))
    (again,) = decode(job(number, bias, draft=tuple(alone.tokens), exact=exact))
    for each in (found, again):
        assert each.tokens == alone.tokens
        assert each.log_probabilities == alone.log_probabilities
        assert len(each.attention) == len(alone.attention)


@settings(deadline=None, max_examples=60)
@given(numbers, terms, strengths, drafts)
def test_a_prefix_is_kept_and_the_rest_follows_from_it(number, spellings, strength, prefix):
    bias = TermBias(spellings, strength)
    (found,) = decode(job(number, bias, prefix=prefix))
    assert tuple(found.tokens[: len(prefix)]) == prefix
    assert found.tokens == step_by_step(number, bias, prefix)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(numbers, st.none() | terms, drafts), min_size=2, max_size=5))
def test_neighbours_with_and_without_terms_do_not_change_the_result(batch):
    jobs = [
        job(number, None if spellings is None else TermBias(spellings, Strength(3, 5)), draft=draft)
        for number, spellings, draft in batch
    ]
    together = decode(*jobs)
    assert [each.tokens for each in together] == [decode(each)[0].tokens for each in jobs]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(numbers, st.none() | terms, drafts, st.integers(0, 4)), min_size=2, max_size=6))
def test_jobs_that_join_and_leave_at_any_step_do_not_change_others(batch):
    """The last number of each is how many steps pass before it joins."""
    running, found, keys, jobs = RunningJobs(runtime()[0].decoder), {}, [], []
    for number, spellings, draft, n_steps in batch:
        for _ in range(n_steps):
            found.update(running.step())
        bias = None if spellings is None else TermBias(spellings, Strength(3, 5))
        jobs.append(job(number, bias, draft=draft, exact=number % 2 == 0))
        keys.append(running.add(jobs[-1]))
    while len(running):
        found.update(running.step())
    assert [found[key].tokens for key in keys] == [decode(each)[0].tokens for each in jobs]
    assert running.step() == []


def test_jobs_that_were_dropped_leave_nothing_behind():
    running = RunningJobs(runtime()[0].decoder)
    dropped = [running.add(job(number)) for number in range(6)]
    running.step()
    running.clear()
    assert len(running) == 0
    assert running.step() == []
    key, found = running.add(job(7)), {}
    while len(running):
        found.update(running.step())
    assert key not in dropped
    assert {key: it.tokens for key, it in found.items()} == {key: decode(job(7))[0].tokens}


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(numbers, st.sampled_from([4, 64, 65, 300])), min_size=1, max_size=4))
def test_long_texts_over_spans_of_any_length_do_not_change_others(batch):
    """The cache of the steps grows, and spans are padded to the longest."""
    limit = 90
    jobs = [Job(span(number, frames), limit, prefix=(3, 4, 5) * 20) for number, frames in batch]
    jobs += [Job(span(1, 4), limit, draft=(3, 4) * 30, exact=True)]
    together = decode(*jobs)
    assert [each.tokens for each in together] == [decode(each)[0].tokens for each in jobs]
    for each, (_, frames) in zip(together, batch, strict=False):
        assert {it.shape for it in each.attention} == {(2, frames)}


@settings(deadline=None, max_examples=40)
@given(numbers, terms)
def test_confidence_is_the_models_own(number, spellings):
    (found,) = decode(job(number, TermBias(spellings, Strength(4, 9))))
    for place, token in enumerate(found.tokens):
        assert found.log_probabilities[place] == scores(number, found.tokens[:place])[token]


def test_with_its_own_result_as_draft_a_span_needs_steps_only_for_failed_terms():
    for number in range(40):
        bias = TermBias([[3, 4, 5], [6, 7]], Strength(2, 3))
        (alone,) = decode(job(number, bias))
        it, decoder = runtime()
        decode(job(number, bias, draft=tuple(alone.tokens)), decoder=it)
        assert decoder.steps <= 2 * 3 * len(alone.tokens)
        plain, decoder = runtime()
        decode(job(number, draft=tuple(decode(job(number))[0].tokens)), decoder=plain)
        assert decoder.steps == 0 or len(decode(job(number))[0].tokens) == LIMIT

"""Curbside as a LangChain retriever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from langchain_core.callbacks import CallbackManager, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, run_in_executor
from langchain_core.runnables.config import get_config_list
from pydantic import ConfigDict, Field

from corpora.errors import CurbsideError
from retrievers.found import Found
from retrievers.langchain.documents import documents_of
from retrievers.query import Query
from retrievers.retriever import Retriever

__all__ = ["CurbsideRetriever"]


class CurbsideRetriever(BaseRetriever):
    """Searches a home; `invoke`, `batch`, their awaited forms and chains work as with every LangChain retriever.

    `options` are further arguments of `Query` (pictures, corpora, exclusions), the same for every question. A batch is
    encoded and searched together; `ainvoke` and `abatch` work on a thread, so that an event loop goes on meanwhile.

    >>> CurbsideRetriever(retriever=Retriever.open("home"), k=4).invoke("pleural effusion")  # doctest: +SKIP
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: Retriever
    k: int = 6
    options: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return documents_of(self.retriever.search(self._query(query), self.k))

    def batch(
        self,
        inputs: list[str],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[list[Document]]:
        """The documents of each question, in order, searched for together.

        Args:
            inputs: The questions.
            config: Callbacks, tags and metadata, one for all or one a question; how many run at once does not apply.
            return_exceptions: Put the error of a question that cannot be asked in its place, instead of raising it.
            kwargs: Not used.
        """
        runs = [
            self._started(text, one) for text, one in zip(inputs, get_config_list(config, len(inputs)), strict=True)
        ]
        outcomes = self._outcomes(inputs)
        for run, outcome in zip(runs, outcomes, strict=True):
            if isinstance(outcome, CurbsideError):
                run.on_retriever_error(outcome)
            else:
                run.on_retriever_end(outcome)
        if not return_exceptions:
            for outcome in outcomes:
                if isinstance(outcome, CurbsideError):
                    raise outcome
        return cast("list[list[Document]]", outcomes)

    async def abatch(
        self,
        inputs: list[str],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[list[Document]]:
        """`batch` on a thread."""
        return await run_in_executor(None, self.batch, inputs, config, return_exceptions=return_exceptions, **kwargs)

    def _query(self, text: str) -> Query:
        return Query(text=text, **self.options)

    def _outcomes(self, texts: Sequence[str]) -> list[list[Document] | CurbsideError]:
        """Documents or the error of each question; one that cannot be asked does not spoil the others."""
        asked: list[Query | CurbsideError] = []
        for text in texts:
            try:
                asked.append(self._query(text))
            except CurbsideError as error:
                asked.append(error)
        good = [one for one in asked if isinstance(one, Query)]
        found: list[Found] = []
        try:
            if good:
                found = self.retriever.batch(good, self.k)
        except CurbsideError as error:  # of the home or of `options`, which all questions share
            return [one if isinstance(one, CurbsideError) else error for one in asked]
        results = iter(found)
        return [one if isinstance(one, CurbsideError) else documents_of(next(results)) for one in asked]

    def _started(self, text: str, config: RunnableConfig) -> CallbackManagerForRetrieverRun:
        manager = CallbackManager.configure(
            config.get("callbacks"),
            None,
            inheritable_tags=config.get("tags"),
            local_tags=self.tags,
            inheritable_metadata={**(config.get("metadata") or {}), **self._get_ls_params()},
            local_metadata=self.metadata,
        )
        return manager.on_retriever_start(
            None,
            text,
            name=config.get("run_name") or self.get_name(),
            run_id=config.get("run_id"),
        )

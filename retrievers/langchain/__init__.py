"""Curbside in LangChain: a retriever, embeddings, and a tool for agents."""

from retrievers.langchain.embeddings import CurbsideEmbeddings
from retrievers.langchain.retriever import CurbsideRetriever
from retrievers.langchain.tool import ToolArguments, curbside_tool

__all__ = ["CurbsideEmbeddings", "CurbsideRetriever", "ToolArguments", "curbside_tool"]
